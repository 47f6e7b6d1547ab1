import Imbrex
import ImbrexCommand
import TestSupport
import Testing

/// What holds of every filter and every option because the lists say so: a new one is tested by being in its list.
@Suite struct FilterListTests {
  // MARK: - Values to try

  /// A few values that an option takes, as they are typed; small ones, so that small pictures show them quickly.
  private static func samples(of option: OptionDefinition) -> [String] {
    let texts: [String]
    switch option.kind {
    case .flag: return ["yes"]
    case .optionalText: texts = [".bak", "1"]
    case .integer(let range):
      let least = max(range.lowerBound, -2)
      texts = [least, least + 1, 3].map(String.init)
    case .number(let range):
      let least = max(range.lowerBound, -0.25)
      texts = [least, 0.6, 1.5, 3].map { shortest($0) }
    case .axes: texts = ["0", "1.5", "0,2", "3,0.5"]
    case .choice(let words, let synonyms): return words + synonyms.keys.sorted()
    case .axisChoice(let words, let synonyms):
      return words + synonyms.keys.sorted() + ["\(words[1]),\(words[0])", "\(words[2]),\(words[2])"]
    case .size: texts = ["3x5", "7x1"]
    case .file: texts = ["mask.png"]
    case .library: texts = ["lib.so", "lib.so:name"]
    case .text:
      texts =
        option.suggestions + [
          "1", "2-5", "1,2", "512M", "640x480+100+50", "2/8", "#102030", "{stem}.{ext}", "1.5", "word", "key=value",
        ]
    }
    return texts.filter { (try? option.value(of: $0)) != nil }
  }

  private static func set(_ option: OptionDefinition, _ text: String, in values: inout OptionValues) throws {
    if case .flag = option.kind {
      values[option.name] = .flag(true)
    } else {
      values[option.name] = try option.value(of: text)
    }
  }

  /// A filter with some options given.
  struct Case: CustomTestStringConvertible, Sendable {
    let definition: FilterDefinition
    let given: [(option: OptionDefinition, text: String)]
    var testDescription: String {
      ([definition.name] + given.map { "--\($0.option.name) \($0.text)" }).joined(separator: " ")
    }

    func make(for picture: ImageDescription) throws -> any Filter {
      var values = OptionValues(definition.options)
      for (option, text) in given { try FilterListTests.set(option, text, in: &values) }
      return try definition.make(values) { _ in
        // A mask of the picture's size with a hole in it.
        var mask = picture
        (mask.color, mask.alpha, mask.extraBands, mask.sampleType) = (.gray, .none, 0, .uint8)
        let drawn = testPicture(mask)
        for y in mask.height / 3..<mask.height * 2 / 3 {
          drawn.row(y).initializeMemory(as: UInt8.self, repeating: 0, count: mask.width * 2 / 3)
        }
        return PictureSource(drawn)
      }
    }
  }

  private static let anyPicture = ImageDescription(width: 40, height: 40, color: .gray, sampleType: .uint8)

  /// Those that make something of their own.
  private static let filters = FilterDefinition.all.filter { $0.needs == nil }

  /// Every filter with its defaults, and with each value of each option: alone where it is taken alone, else with the first value of
  /// a choice, or the first flag, that it goes with.
  static let cases: [Case] = filters.flatMap { definition in
    [Case(definition: definition, given: [])]
      + definition.options.flatMap { option in samples(of: option).compactMap { casing(definition, option, $0) } }
  }

  private static func casing(_ definition: FilterDefinition, _ option: OptionDefinition, _ text: String) -> Case? {
    let others = definition.options.filter { other in
      guard other.name != option.name else { return false }
      switch other.kind {
      case .choice, .axisChoice, .flag: return true
      default: return false
      }
    }
    let companions = [[]] + others.flatMap { other in samples(of: other).map { [(other, $0)] } }
    return companions.lazy.map { Case(definition: definition, given: $0 + [(option, text)]) }
      .first { (try? $0.make(for: anyPicture)) != nil }
  }

  // MARK: - Tiling

  static let descriptions: [ImageDescription] = [
    ImageDescription(width: 41, height: 33, color: .gray, sampleType: .uint8),
    ImageDescription(width: 30, height: 37, color: .rgb, alpha: .straight, sampleType: .uint8),
    ImageDescription(width: 35, height: 28, color: .rgb, sampleType: .uint16),
    ImageDescription(width: 27, height: 36, color: .gray, sampleType: .float32),
    ImageDescription(width: 22, height: 25, color: .gray, sampleType: .float64),
    ImageDescription(width: 3, height: 2, color: .rgb, sampleType: .uint8),
  ]

  @Test(arguments: cases) func no_tiling_changes_what_a_filter_makes(filter: Case) throws {
    let pool = WorkerPool(count: 3)
    defer { pool.close() }
    for description in Self.descriptions {
      let picture = testPicture(description)
      func run(streams: Bool, _ change: (inout TilingOptions) -> Void) throws -> (Table?, Picture?) {
        var options = TilingOptions(workers: 3)
        change(&options)
        // A filter is made anew for each run: one that has run is not changed by that.
        let made = try filter.make(for: description)
        let context = RunContext(pool: pool, tiling: options)
        let input: SweepInput = streams ? .stream(PictureSource(picture)) : .picture(picture)
        guard !filter.definition.makesTable else { return (try made.run(input, to: .table, in: context), nil) }
        let sink = PictureSink(made.outputDescription(for: description))
        try made.run(input, to: .stream(sink), in: context)
        #expect(sink.isComplete)
        return (nil, sink.picture)
      }
      let reference = try run(streams: false) { $0 = TilingOptions(workers: 1).serial }
      let tilings: [(inout TilingOptions) -> Void] = [
        { $0.tile = (height: 9, width: 13) }, { $0.chunks = .init(rows: 3, columns: 2) }, { $0.workers = 1 },
      ]
      for (index, change) in tilings.enumerated() {
        let result = try run(streams: index != 1, change)
        let isSame = result.0 == reference.0 && (result.1.map { $0.hasSameBytes(as: reference.1!) } ?? true)
        #expect(isSame, "\(description), tiling \(index)")
      }
    }
  }

  @Test func every_option_of_a_filter_is_taken_with_some_value() {
    for definition in Self.filters {
      for option in definition.options {
        let cases = Self.cases.filter {
          $0.definition.name == definition.name && $0.given.last?.option.name == option.name
        }
        #expect(!cases.isEmpty, "\(definition.name) --\(option.name) is refused with every value that is tried here")
        let words: [String]
        switch option.kind {
        case .choice(let choices, _), .axisChoice(let choices, _): words = choices
        default: continue
        }
        let tried = Set(cases.map { $0.given.last!.text })
        for word in words { #expect(tried.contains(word), "\(definition.name) --\(option.name) \(word)") }
      }
    }
  }

  // MARK: - Options

  struct List: CustomTestStringConvertible, Sendable {
    let name: String
    let options: [OptionDefinition]
    var testDescription: String { name }
  }

  static let lists =
    FilterDefinition.all.map { List(name: $0.name, options: $0.options) }
    + CommandDefinition.all.map { List(name: $0.name, options: $0.options) }
    + [List(name: "common options", options: CommonOptionList.all)]

  @Test(arguments: lists) func every_option_can_be_given_and_read_back(list: List) throws {
    #expect(Set(list.options.map(\.name)).count == list.options.count, "two options have one name")
    for option in list.options {
      var values = OptionValues(list.options)
      #expect(!values.isGiven(option.name) && values[option.name] == option.defaultValue, "\(option.name)")
      if let value = option.defaultValue, value != .flag(false) {
        #expect(try option.value(of: value.description) == value, "the default of --\(option.name)")
      }
      let texts = Self.samples(of: option)
      #expect(!texts.isEmpty, "nothing that is tried here is a value of --\(option.name)")
      for text in texts {
        try Self.set(option, text, in: &values)
        let value = try #require(values[option.name])
        #expect(values.isGiven(option.name), "\(option.name)")
        let described = values.all.first { $0.definition.name == option.name }?.value
        #expect(described == value, "\(option.name)")
        switch option.kind {
        case .flag: #expect(values.flag(option.name))
        case .integer: #expect(values.integer(option.name) == Int(text))
        case .number: #expect(values.number(option.name) == Double(text))
        case .axes: #expect(values.axes(option.name).y == Double(text.prefix { $0 != "," }))
        case .choice(_, let synonyms): #expect(values.text(option.name) == synonyms[text] ?? text)
        case .axisChoice(let words, let synonyms):
          let given = text.split(separator: ",").map { synonyms[String($0)] ?? String($0) }
          #expect(given.allSatisfy(words.contains))
          #expect(values.text(option.name) == (given[0] == given.last ? given[0] : given.joined(separator: ",")))
        case .size, .file, .library, .text, .optionalText: #expect(value.description == text)
        }
        // As it would be typed, it is the same value again.
        if value != .flag(true) { #expect(try option.value(of: value.description) == value, "\(option.name) \(text)") }
        // The others are as they were.
        for other in list.options where other.name != option.name {
          #expect(!values.isGiven(other.name) && values[other.name] == other.defaultValue, "\(other.name)")
        }
      }
    }
  }

  @Test(arguments: FilterDefinition.all.map(\.name)) func every_option_of_a_filter_is_read_from_a_line(name: String)
    throws
  {
    let definition = try #require(FilterDefinition(named: name))
    for option in definition.options {
      for text in Self.samples(of: option) {
        var isFlag = false
        if case .flag = option.kind { isFlag = true }
        let lines = isFlag ? [["--\(option.name)"]] : [["--\(option.name)", text], ["--\(option.name)=\(text)"]]
        for words in lines {
          guard case .filter(let line) = try CommandLineParser.parse([name] + words + ["in.png"]),
            case .filter(_, let values)? = line.stages.first
          else {
            Issue.record("\(words)")
            continue
          }
          var expected = isFlag ? OptionValue.flag(true) : try option.value(of: text)
          if option.isRepeatable { expected = .list([expected]) }
          #expect(values[option.name] == expected && line.inputs == ["in.png"], "\(words)")
        }
      }
    }
  }

  @Test(arguments: FilterDefinition.all.map(\.name))
  func what_is_remembered_of_a_run_depends_on_every_option_that_changes_results(name: String) throws {
    let definition = try #require(FilterDefinition(named: name))
    func hash(_ values: OptionValues) throws -> ContentHash {
      var settings = ResultSettings()
      try settings.add(filter: name, values)
      return settings.hash
    }
    let plain = try hash(OptionValues(definition.options))
    for option in definition.options {
      // A file's content counts, so there has to be one.
      if option.path(of: .text("mask.png")) != nil { continue }
      for text in Self.samples(of: option) {
        var values = OptionValues(definition.options)
        try Self.set(option, text, in: &values)
        let isDefault = values[option.name] == option.defaultValue
        #expect(try (hash(values) == plain) == (isDefault || !option.changesResult), "\(option.name) \(text)")
      }
    }
  }
}
