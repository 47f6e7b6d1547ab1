package import Pictures

extension Metadata {
  /// Of each page, as OME-XML's TiffData tell, its place on the axes z, c and t, from 1; nil where they do not tell it of all.
  package func omePlaces(pages: Int, of picture: ImageDescription) -> [[Character: Int]]? {
    guard let item = items.first(where: { $0.kind == .tiff && $0.tag == MetadataItem.descriptionTag }),
      OMEDescription.isOne(item.text), let root = XMLText(item.text)?.root,
      let pixels = root.elements("Image").first?.elements("Pixels").first
    else { return nil }
    var all = PictureChange(of: picture)
    (all.pages, all.pageCount) = (0..<pages, pages)
    guard let part = OMEImagePart(pixels, of: root["UUID"], all), part.planes.map(\.page) == Array(0..<pages) else {
      return nil
    }
    return part.planes.map { plane in ["c": plane.place[0] + 1, "z": plane.place[1] + 1, "t": plane.place[2] + 1] }
  }
}
