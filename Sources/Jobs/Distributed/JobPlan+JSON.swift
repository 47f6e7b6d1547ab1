import Pipeline
package import Platform

extension JobPlan {
  package static let fileName = "plan.json"

  /// What is said of a plan whose tasks do not go with its command and its inputs.
  package static let foreign = ImbrexError(.input, "the job's plan is of other work")

  /// The plan as a person reads it: an object with each input and each task on a line of its own.
  package var json: String {
    func lines(_ values: [JSONValue]) -> String {
      "[\n    " + values.map(\.description).joined(separator: ",\n    ") + "\n  ]"
    }
    func line(_ name: String, _ value: JSONValue) -> String { "  \"\(name)\": \(value)" }
    return "{\n"
      + [
        line("imbrex", .string(version)), line("directory", .string(directory)),
        line("command", .array(command.map(JSONValue.string))), line("parts", .integer(parts)),
        line("max_memory", .integer(maxMemory)),
        "  \"inputs\": " + lines(inputs.map(\.json)), line("named", .array(named.map(\.json))),
        line("outputs", .array(outputs.map(JSONValue.string))),
        "  \"waves\": " + lines(waves.map(\.json)), "  \"tasks\": " + lines(tasks.map { taskJSON($0) }),
        "  \"pictures\": " + lines(pictures.map(\.json)),
      ].joined(separator: ",\n") + "\n}\n"
  }

  private func taskJSON(_ task: Task) -> JSONValue {
    .object([
      ("name", .string(task.name)), ("needs", .array(task.needs.map { .string(tasks[$0].name) })),
      ("makes", .array(task.makes.map(JSONValue.string))), ("pixels", .integer(task.pixels)),
      ("memory", .integer(task.memory)), ("work", task.work.json),
    ])
  }

  /// - Throws: ``ImbrexError`` for what is no plan.
  package init(json text: [UInt8]) throws {
    let damaged = ImbrexError(.input, "plan.json is no plan of a job")
    let value = try JSONValue(text: text)
    func strings(_ value: JSONValue?) throws -> [String] {
      guard let found = value?.array?.compactMap(\.string), found.count == value?.array?.count else { throw damaged }
      return found
    }
    guard let version = value["imbrex"]?.string, let directory = value["directory"]?.string,
      let parts = value["parts"]?.integer, let inputs = value["inputs"]?.array, let waves = value["waves"]?.array,
      let tasks = value["tasks"]?.array, let pictures = value["pictures"]?.array,
      let maxMemory = value["max_memory"]?.integer
    else { throw damaged }
    guard Self.sizes.contains(parts), Self.sizes.contains(maxMemory) else { throw damaged }
    self.version = version
    self.directory = directory
    self.parts = parts
    self.maxMemory = maxMemory
    let split = try pictures.map { try SplitPicture(json: $0, inputs: inputs.count) ?? { throw damaged }() }
    self.pictures = split
    command = try strings(value["command"])
    outputs = try strings(value["outputs"])
    self.inputs = try inputs.map { try Input(json: $0) ?? { throw damaged }() }
    named = try (value["named"]?.array ?? []).map { try Input(json: $0) ?? { throw damaged }() }
    var numbers: [String: Int] = [:]
    self.tasks = try tasks.enumerated().map { index, task in
      guard let name = task["name"]?.string, numbers.updateValue(index, forKey: name) == nil,
        Self.isFileName(name), let pixels = task["pixels"]?.integer, let memory = task["memory"]?.integer,
        Self.sizes.contains(pixels), Self.sizes.contains(memory),
        let work = task["work"].flatMap({ Work(json: $0) }), work.isInside(split, inputs: inputs.count)
      else { throw damaged }
      let needs = try strings(task["needs"]).map { try numbers[$0] ?? { throw damaged }() }
      guard needs.allSatisfy({ $0 < index }) else { throw damaged }
      return Task(
        name: name, needs: needs, makes: try strings(task["makes"]), pixels: pixels, memory: memory, work: work)
    }
    let count = self.tasks.count
    self.waves = try waves.map { wave in
      guard let name = wave["name"]?.string, let first = wave["first"]?.integer, let size = wave["tasks"]?.integer,
        first >= 0, size > 0, size <= count, first <= count - size
      else { throw damaged }
      return Wave(name: name, tasks: first..<(first + size))
    }
  }

  /// Of numbers that are added and multiplied.
  private static let sizes = 0...(1 << 50)

  /// Whether a task's name is one of a file in a directory of the job, and nowhere else.
  private static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix(".") && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }
}

extension JobPlan.Input {
  /// Checks that the file is as it was when the job was made. Its content is read only if its time has changed.
  ///
  /// - Throws: ``ImbrexError`` that says what has changed.
  package func check() throws {
    let changed = ImbrexError(.input, "\(path): has changed since the job was made: make the job anew")
    guard let stamp = DoneRecord.Stamp(ofFile: path) else {
      if content.isEmpty { return }
      throw ImbrexError(.input, "\(path): is no longer there")
    }
    guard stamp.size == size else { throw changed }
    if stamp.time == modified || content.isEmpty { return }
    guard try ContentHash(ofFile: path).description == content else { throw changed }
  }

  fileprivate var json: JSONValue {
    // Nanoseconds are more than a double holds.
    .object([
      ("path", .string(path)), ("kept", .string(kept)), ("size", .integer(size)),
      ("modified", .string(String(modified))),
      ("content", .string(content)),
    ])
  }

  fileprivate init?(json: JSONValue) {
    guard let path = json["path"]?.string, let kept = json["kept"]?.string, let size = json["size"]?.integer,
      let modified = json["modified"]?.string.flatMap({ Int($0) }), let content = json["content"]?.string
    else { return nil }
    self.init(path: path, kept: kept, size: size, modified: modified, content: content)
  }
}

extension JobPlan.Wave {
  fileprivate var json: JSONValue {
    .object([("name", .string(name)), ("first", .integer(tasks.lowerBound)), ("tasks", .integer(tasks.count))])
  }
}

extension JobPlan.SplitPicture {
  fileprivate var json: JSONValue {
    .object([
      ("input", .integer(input)), ("copied", .bool(isCopied)),
      ("ends", .array(ends.map { .array($0.map(JSONValue.integer)) })),
    ])
  }

  fileprivate init?(json: JSONValue, inputs: Int) {
    guard let input = json["input"]?.integer, (0..<inputs).contains(input), let isCopied = json["copied"]?.bool,
      let pages = json["ends"]?.array, !pages.isEmpty
    else { return nil }
    let ends = pages.map { $0.array?.compactMap(\.integer) ?? [] }
    // Rows of a part are counted from the one above.
    guard ends.allSatisfy({ !$0.isEmpty && zip([0] + $0, $0).allSatisfy { $0 < $1 } }) else { return nil }
    self.init(input: input, ends: ends, isCopied: isCopied)
  }
}

extension JobPlan.Work {
  fileprivate var json: JSONValue {
    func object(_ kind: String, _ members: [(String, JSONValue)]) -> JSONValue {
      .object([("kind", .string(kind))] + members)
    }
    return switch self {
    case .files(let inputs): object("files", [("inputs", .array(inputs.map(JSONValue.integer)))])
    case .copy(let picture): object("copy", [("picture", .integer(picture))])
    case .pass(let pass, let picture, let parts):
      object(
        "pass",
        [
          ("picture", .integer(picture)), ("pass", .integer(pass)),
          ("parts", .array(parts.map { .array([.integer($0.page), .integer($0.part)]) })),
        ])
    case .merge(let pass, let picture): object("merge", [("picture", .integer(picture)), ("pass", .integer(pass))])
    case .join(let picture): object("join", [("picture", .integer(picture))])
    case .table: object("table", [])
    }
  }

  fileprivate init?(json: JSONValue) {
    let picture = json["picture"]?.integer ?? -1, pass = json["pass"]?.integer ?? -1
    switch json["kind"]?.string {
    case "files": self = .files((json["inputs"]?.array ?? []).compactMap(\.integer))
    case "copy": self = .copy(picture: picture)
    case "pass":
      let parts = (json["parts"]?.array ?? []).map { $0.array?.compactMap(\.integer) ?? [] }
      guard parts.allSatisfy({ $0.count == 2 }) else { return nil }
      self = .pass(pass, picture: picture, parts: parts.map { .init(page: $0[0], part: $0[1]) })
    case "merge": self = .merge(pass: pass, picture: picture)
    case "join": self = .join(picture: picture)
    case "table": self = .table
    default: return nil
    }
  }

  /// Whether all that it names is there.
  fileprivate func isInside(_ pictures: [JobPlan.SplitPicture], inputs: Int) -> Bool {
    switch self {
    case .files(let list): return list.allSatisfy((0..<inputs).contains)
    case .copy(let picture), .join(let picture): return pictures.indices.contains(picture)
    case .merge(let pass, let picture): return pictures.indices.contains(picture) && pass >= 0
    case .pass(let pass, let picture, let parts):
      guard pictures.indices.contains(picture), pass >= 0 else { return false }
      let ends = pictures[picture].ends
      return parts.allSatisfy { ends.indices.contains($0.page) && ends[$0.page].indices.contains($0.part) }
    case .table: return true
    }
  }
}
