import Pipeline
import Platform

/// What a job does, once and for all: its command line, its inputs as they were, and the graph of its tasks. `plan.json` in the
/// job's directory.
package struct JobPlan: Sendable {
  /// A picture that the job reads, as it was when the job was made.
  package struct Input: Equatable, Sendable {
    package let path: String
    /// The end of the path that its outputs keep.
    package let kept: String
    package let size: Int
    /// Nanoseconds since 1970.
    package let modified: Int
    /// Of its content; empty for what could not be read.
    package let content: String

    package init(path: String, kept: String, size: Int, modified: Int, content: String) {
      (self.path, self.kept, self.size, self.modified, self.content) = (path, kept, size, modified, content)
    }
  }

  /// Tasks of one kind that follow each other in ``tasks`` and do not need each other: an array job of a scheduler.
  package struct Wave: Equatable, Sendable {
    package let name: String
    /// Their numbers.
    package let tasks: Range<Int>

    package init(name: String, tasks: Range<Int>) { (self.name, self.tasks) = (name, tasks) }
  }

  /// Something that one process does: makes files of the job's directory, or outputs.
  package struct Task: Equatable, Sendable {
    /// Its name, unique in the job; the number of a task is its index in ``JobPlan/tasks``.
    package let name: String
    /// Numbers of the tasks whose files it reads; all are less than its own.
    package let needs: [Int]
    /// What it makes, as paths in the job's directory; outputs as they are named on the command line.
    package let makes: [String]
    /// About how many pixels it reads and makes: its share of the work.
    package let pixels: Int
    /// Bytes that it holds at most, beside the program's own.
    package let memory: Int
    /// What it does.
    package let work: Work

    package init(name: String, needs: [Int], makes: [String], pixels: Int, memory: Int, work: Work) {
      (self.name, self.needs, self.makes, self.pixels, self.memory, self.work) = (
        name, needs, makes, pixels, memory, work
      )
    }
  }

  /// What a task does.
  package enum Work: Equatable, Sendable {
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
  package struct PartNumber: Equatable, Sendable {
    /// From 0, of those that are worked on.
    package let page: Int
    /// From the top.
    package let part: Int

    package init(page: Int, part: Int) { (self.page, self.part) = (page, part) }
  }

  /// A picture that is worked on in parts.
  package struct SplitPicture: Equatable, Sendable {
    /// Its number among ``JobPlan/inputs``.
    package let input: Int
    /// Of each page, where its parts end; the first begins at row 0.
    package let ends: [[Int]]
    /// Whether its parts read a tiled copy.
    package let isCopied: Bool

    package init(input: Int, ends: [[Int]], isCopied: Bool) {
      (self.input, self.ends, self.isCopied) = (input, ends, isCopied)
    }

    /// The rows of a page's parts.
    package func rows(page: Int) -> [Range<Int>] { Self.rows(endingAt: ends[page]) }

    /// The rows of parts one below the other, the first from row 0 on.
    package static func rows(endingAt ends: [Int]) -> [Range<Int>] {
      ends.indices.map { ($0 == 0 ? 0 : ends[$0 - 1])..<ends[$0] }
    }
  }

  /// The version that made it, and must run it.
  package let version: String
  /// Where the command line was typed: relative paths start there.
  package let directory: String
  /// The words behind `--`: filters, options, inputs, output.
  package let command: [String]
  package let parts: Int
  package let inputs: [Input]
  /// Files that options name: masks and plug-ins.
  package let named: [Input]
  /// What is written in the end, as named on the command line.
  package let outputs: [String]
  /// For each wave what comes before it in the graph is in waves before it.
  package let waves: [Wave]
  package let tasks: [Task]
  package let pictures: [SplitPicture]
  /// Bytes that a task may hold at once.
  package let maxMemory: Int

  package init(
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
