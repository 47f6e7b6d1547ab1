import Pipeline
import Platform

/// What a job does, once and for all: its command line, its inputs as they were, and the graph of its tasks. `plan.json` in the
/// job's directory.
public struct JobPlan: Sendable {
  /// A picture that the job reads, as it was when the job was made.
  public struct Input: Equatable, Sendable {
    public let path: String
    /// The end of the path that its outputs keep.
    public let kept: String
    public let size: Int
    /// Nanoseconds since 1970.
    public let modified: Int
    /// Of its content; empty for what could not be read.
    public let content: String

    public init(path: String, kept: String, size: Int, modified: Int, content: String) {
      (self.path, self.kept, self.size, self.modified, self.content) = (path, kept, size, modified, content)
    }
  }

  /// Tasks of one kind that follow each other in ``tasks`` and do not need each other: an array job of a scheduler.
  public struct Wave: Equatable, Sendable {
    public let name: String
    /// Their numbers.
    public let tasks: Range<Int>

    public init(name: String, tasks: Range<Int>) { (self.name, self.tasks) = (name, tasks) }
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
    /// What it does.
    public let work: Work

    public init(name: String, needs: [Int], makes: [String], pixels: Int, memory: Int, work: Work) {
      (self.name, self.needs, self.makes, self.pixels, self.memory, self.work) = (
        name, needs, makes, pixels, memory, work
      )
    }
  }

  /// What a task does.
  public enum Work: Equatable, Sendable {
    /// All of some inputs, each by itself.
    case files([Int])
    /// Makes a tiled copy of a split picture, which its parts can read anywhere.
    case copy(picture: Int)
    /// A pass over some parts of a split picture.
    case pass(Int, picture: Int, parts: [PartNumber])
    /// Merges what a pass has made of all parts.
    case merge(pass: Int, picture: Int)
    /// Makes the picture's outputs of what its parts have made.
    case join(picture: Int)
    /// Makes the one table of all inputs.
    case table
  }

  /// A part of one page.
  public struct PartNumber: Equatable, Sendable {
    /// From 0, of those that are worked on.
    public let page: Int
    /// From the top.
    public let part: Int

    public init(page: Int, part: Int) { (self.page, self.part) = (page, part) }
  }

  /// A picture that is worked on in parts.
  public struct SplitPicture: Equatable, Sendable {
    /// Its number among ``JobPlan/inputs``.
    public let input: Int
    /// Of each page, where its parts end; the first begins at row 0.
    public let ends: [[Int]]
    /// Whether its parts read a tiled copy.
    public let isCopied: Bool

    public init(input: Int, ends: [[Int]], isCopied: Bool) {
      (self.input, self.ends, self.isCopied) = (input, ends, isCopied)
    }

    /// The rows of a page's parts.
    public func rows(page: Int) -> [Range<Int>] { Self.rows(endingAt: ends[page]) }

    /// The rows of parts one below the other, the first from row 0 on.
    public static func rows(endingAt ends: [Int]) -> [Range<Int>] {
      ends.indices.map { ($0 == 0 ? 0 : ends[$0 - 1])..<ends[$0] }
    }
  }

  /// The version that made it, and must run it.
  public let version: String
  /// Where the command line was typed: relative paths start there.
  public let directory: String
  /// The words behind `--`: filters, options, inputs, output.
  public let command: [String]
  public let parts: Int
  public let inputs: [Input]
  /// Files that options name: masks and plug-ins.
  public let named: [Input]
  /// What is written in the end, as named on the command line.
  public let outputs: [String]
  /// For each wave what comes before it in the graph is in waves before it.
  public let waves: [Wave]
  public let tasks: [Task]
  public let pictures: [SplitPicture]
  /// Bytes that a task may hold at once.
  public let maxMemory: Int

  public init(
    directory: String, command: [String], parts: Int, inputs: [Input], named: [Input], outputs: [String],
    waves: [Wave], tasks: [Task], pictures: [SplitPicture], maxMemory: Int
  ) {
    version = Platform.version
    self.directory = directory
    self.command = command
    self.parts = parts
    self.inputs = inputs
    self.named = named
    self.outputs = outputs
    self.waves = waves
    self.tasks = tasks
    self.pictures = pictures
    self.maxMemory = maxMemory
  }
}
