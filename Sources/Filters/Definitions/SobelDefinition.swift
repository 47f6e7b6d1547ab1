import Pipeline
import Platform

extension Sobel {
  /// The filter `sobel` and its options.
  public static let definition = FilterDefinition(
    name: "sobel",
    abstract: "Find edges with a gradient operator.",
    discussion: """
      Computes what skimage.filters.sobel, scharr, prewitt, roberts and farid do. Colour is reduced to luma first. A response of 1.0 \
      is the sample type's maximum; signed directions are written as 0.5 + response / 2, and in float as they are.
      """,
    examples: [
      "imbrex sobel photo.jpg -o edges.png",
      "imbrex sobel --operator scharr --direction vertical --float in.tif -o dx.tif",
    ],
    options: [
      OptionDefinition(
        "operator", .choice(Operator.allCases.map(\.rawValue)), valueName: "name",
        default: .choice(Operator.sobel.rawValue), help: "Gradient operator."),
      OptionDefinition(
        "direction", .choice(Direction.allCases.map(\.rawValue)), valueName: "which",
        default: .choice(Direction.magnitude.rawValue),
        help: "Which response: the gradient's magnitude, or what answers to horizontal or to vertical edges, signed."),
      .boundary(default: .reflect), .cval,
      OptionDefinition("per-channel", .flag, help: "Filter each colour channel instead of luma."),
      .mask(help: "Keep responses only where this picture, eroded by 3×3, is not zero."),
      .linear, .float,
    ]
  ) { values, open in
    let `operator`: Operator = values.choice("operator")
    let direction: Direction = values.choice("direction")
    guard `operator` != .roberts || direction == .magnitude else {
      throw ImbrexError(
        option: "direction",
        "is \(direction.rawValue), but must be magnitude with the operator roberts, whose differences are diagonal")
    }
    var filter = try Sobel(
      operator: `operator`, direction: direction, boundary: values.choice("boundary"),
      constant: values.constant(), isPerChannel: values.flag("per-channel"), mask: values.mask(open),
      makesFloat: values.flag("float"))
    filter.isLinear = values.flag("linear")
    return filter
  }
}
