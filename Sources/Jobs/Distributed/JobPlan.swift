import Pipeline
import Platform

/// What a job does, once and for all: its command line, its inputs as they were, and the graph of its tasks. `plan.json` in the
/// job's directory.
public struct JobPlan: Sendable {
  /// A picture that the job reads, as it was when the job was made.
  public struct Input: Equatable, Sendable {
    public let path: String
    public let size: Int
    /// Nanoseconds since 1970.
    public let modified: Int
    /// Of its content.
    public let content: String
  }

  /// Tasks of one kind that follow each other in ``tasks`` and do not need each other: an array job of a scheduler.
  public struct Wave: Equatable, Sendable {
    public let name: String
    /// Their numbers.
    public let tasks: Range<Int>
  }

  /// Something that one process does: makes files of the job's directory, or outputs.
  public struct Task: Equatable, Sendable {
    /// Its name, unique in the job; the number of a task is its index in ``JobPlan/tasks``.
    public let name: String
    /// Numbers of the tasks whose files it reads; all are less than its own.
    public let needs: [Int]
    /// What it makes, as paths in the job's directory; outputs as they are named on the command line.
    public let makes: [String]
    /// About how many pixels it reads and makes: its share of the work.
    public let pixels: Int
    /// Bytes that it holds at most, beside the program's own.
    public let memory: Int
  }

  /// The version that made it, and must run it.
  public let version: String
  /// Where the command line was typed: relative paths start there.
  public let directory: String
  /// The words behind `--`: filters, options, inputs, output.
  public let command: [String]
  public let parts: Int
  public let inputs: [Input]
  /// What is written in the end, as named on the command line.
  public let outputs: [String]
  /// For each wave what comes before it in the graph is in waves before it.
  public let waves: [Wave]
  public let tasks: [Task]
  /// How pictures are cut, and what else the tasks need to know.
  let details: JSONValue
}

// MARK: - As JSON

extension JobPlan {
  public static let fileName = "plan.json"

  /// The plan as a person reads it: an object with each input and each task on a line of its own.
  public var json: String {
    func lines(_ values: [JSONValue]) -> String { "[\n    " + values.map(\.description).joined(separator: ",\n    ") + "\n  ]" }
    func line(_ name: String, _ value: JSONValue) -> String { "  \"\(name)\": \(value)" }
    return "{\n"
      + [
        line("imbrex", .string(version)), line("directory", .string(directory)),
        line("command", .array(command.map(JSONValue.string))), line("parts", .integer(parts)),
        "  \"inputs\": " + lines(inputs.map(\.json)), line("outputs", .array(outputs.map(JSONValue.string))),
        "  \"waves\": " + lines(waves.map(\.json)), "  \"tasks\": " + lines(tasks.map { taskJSON($0) }),
        line("details", details),
      ].joined(separator: ",\n") + "\n}\n"
  }

  private func taskJSON(_ task: Task) -> JSONValue {
    .object([
      ("name", .string(task.name)), ("needs", .array(task.needs.map { .string(tasks[$0].name) })),
      ("makes", .array(task.makes.map(JSONValue.string))), ("pixels", .integer(task.pixels)),
      ("memory", .integer(task.memory)),
    ])
  }

  /// - Throws: ``ImbrexError`` for what is no plan.
  public init(json text: [UInt8]) throws {
    let damaged = ImbrexError(.input, "plan.json is no plan of a job")
    let value = try JSONValue(text: text)
    func strings(_ value: JSONValue?) throws -> [String] {
      guard let found = value?.array?.compactMap(\.string), found.count == value?.array?.count else { throw damaged }
      return found
    }
    guard let version = value["imbrex"]?.string, let directory = value["directory"]?.string,
      let parts = value["parts"]?.integer, let inputs = value["inputs"]?.array, let waves = value["waves"]?.array,
      let tasks = value["tasks"]?.array, let details = value["details"]
    else { throw damaged }
    self.version = version
    self.directory = directory
    self.parts = parts
    self.details = details
    command = try strings(value["command"])
    outputs = try strings(value["outputs"])
    self.inputs = try inputs.map { try Input(json: $0) ?? { throw damaged }() }
    var numbers: [String: Int] = [:]
    self.tasks = try tasks.enumerated().map { index, task in
      guard let name = task["name"]?.string, numbers.updateValue(index, forKey: name) == nil,
        let pixels = task["pixels"]?.integer, let memory = task["memory"]?.integer
      else { throw damaged }
      let needs = try strings(task["needs"]).map { try numbers[$0] ?? { throw damaged }() }
      guard needs.allSatisfy({ $0 < index }) else { throw damaged }
      return Task(name: name, needs: needs, makes: try strings(task["makes"]), pixels: pixels, memory: memory)
    }
    let count = self.tasks.count
    self.waves = try waves.map { wave in
      guard let name = wave["name"]?.string, let first = wave["first"]?.integer, let size = wave["tasks"]?.integer,
        first >= 0, size > 0, size <= count, first <= count - size
      else { throw damaged }
      return Wave(name: name, tasks: first..<(first + size))
    }
  }
}

extension JobPlan.Input {
  fileprivate var json: JSONValue {
    // Nanoseconds are more than a double holds.
    .object([
      ("path", .string(path)), ("size", .integer(size)), ("modified", .string(String(modified))),
      ("content", .string(content)),
    ])
  }

  fileprivate init?(json: JSONValue) {
    guard let path = json["path"]?.string, let size = json["size"]?.integer,
      let modified = json["modified"]?.string.flatMap({ Int($0) }), let content = json["content"]?.string
    else { return nil }
    self.init(path: path, size: size, modified: modified, content: content)
  }
}

extension JobPlan.Wave {
  fileprivate var json: JSONValue {
    .object([("name", .string(name)), ("first", .integer(tasks.lowerBound)), ("tasks", .integer(tasks.count))])
  }
}
