public import Pictures

public import Pipeline

/// Opens a picture that an option names, such as a mask; its errors name its file.
public typealias PictureOpener = @Sendable (_ path: String) throws -> any RowSource

/// A filter as data: its name, its options, its prose, and how it is made of option values.
///
/// The list of them is all that the command line, help, the manual, completions, benchmarks and tests know of filters.
public struct FilterDefinition: Sendable {
  /// The subcommand.
  public let name: String
  /// An imperative sentence: "Blur with a Gaussian."
  public let abstract: String
  /// What it computes, in a few sentences.
  public let discussion: String
  /// Whole command lines.
  public let examples: [String]
  /// The options of its own, in the order of the help; names are unique in the list.
  public let options: [OptionDefinition]
  /// Whether it makes a table instead of a picture; nothing can come after it then.
  public let makesTable: Bool
  /// The option without which it does nothing, and what it makes is what the user names there; nil: all have defaults.
  public let needs: String?
  /// What its values bring along that has options of its own, for help: the filters of a plug-in.
  public let parts: @Sendable (OptionValues) throws -> [Part]
  /// Makes the filter.
  ///
  /// - Throws: ``ImbrexError`` for values that do not go together, naming the option.
  public let make: @Sendable (OptionValues, PictureOpener) throws -> any Filter

  /// A definition; nothing is checked but by the tests that walk the list of filters.
  public init(
    name: String, abstract: String, discussion: String, examples: [String], options: [OptionDefinition],
    makesTable: Bool = false, needs: String? = nil,
    parts: @escaping @Sendable (OptionValues) throws -> [Part] = { _ in [] },
    make: @escaping @Sendable (OptionValues, PictureOpener) throws -> any Filter
  ) {
    self.name = name
    self.abstract = abstract
    self.discussion = discussion
    self.examples = examples
    self.options = options
    self.makesTable = makesTable
    self.needs = needs
    self.parts = parts
    self.make = make
  }

  /// Something within a filter that has options of its own, which are given as `--set NAME=VALUE`.
  public struct Part: Sendable {
    /// A heading for the help.
    public let title: String
    /// An imperative sentence.
    public let abstract: String
    /// Its options, which help lists under the title.
    public let options: [OptionDefinition]
  }
}
