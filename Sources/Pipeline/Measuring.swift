public import Pictures

/// A filter some of whose options are lengths, so that it depends on how large the pixels of each picture are.
public protocol MeasuredFilter: Filter {
  /// The filter for pictures of one size of pixels.
  ///
  /// - Parameter pixel: Nil where nothing says how large they are.
  /// - Throws: ``ImbrexError`` that names the option, for pixels of no known size, or of a size that does not do.
  func measured(_ pixel: PixelSize?) throws -> any Filter
}

extension Pipeline {
  /// The chain for pictures of one size of pixels. Filters do not change it.
  ///
  /// - Parameter size: Asked only where a filter needs it.
  public func measured(_ size: () -> PixelSize?) throws -> Pipeline {
    guard links.contains(where: { $0.filter is any MeasuredFilter }) else { return self }
    let pixel = size()
    return Pipeline(
      links: try links.map { link in
        guard let filter = link.filter as? any MeasuredFilter else { return link }
        return Link(link.name, try filter.measured(pixel))
      })
  }
}
