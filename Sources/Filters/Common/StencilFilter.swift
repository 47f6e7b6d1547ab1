public import Pictures

public import Pipeline

/// A filter that is a single stencil.
public protocol StencilFilter: Filter {
  func stencil(for input: ImageDescription) throws -> any Stencil
}

extension StencilFilter {
  public func stages(for input: ImageDescription) throws -> [Stage] {
    let made = outputDescription(for: input)
    return [.stencil(RoundedStencil.ifNeeded(try stencil(for: input), made), making: made)]
  }
}
