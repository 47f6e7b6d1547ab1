import Foundation
import Imbrex
import TestSupport
import Testing

/// What the README says can be done is done here, from its own text.
@Suite struct ReadmeTests {
  private let readme: [Substring]

  init() throws {
    let text = try String(contentsOf: projectFolder.appendingPathComponent("README.md"), encoding: .utf8)
    readme = text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// Commands in order, comments left out.
  private var commands: [String] {
    readme.filter { $0.hasPrefix("    imbrex ") }.map { line in
      line.range(of: " # ").map { String(line[..<$0.lowerBound]) } ?? String(line)
    }
  }

  @Test func it_is_short() { #expect(readme.count <= 101) }

  @Test func its_commands_run() throws {
    #expect(commands.count >= 14)
    let folder = try TemporaryFolder(), manager = FileManager.default
    let pictures = projectFolder.appendingPathComponent("TestImages")
    for name in ["photo.png", "photo.jpg"] {
      try manager.copyItem(at: pictures.appendingPathComponent(name), to: folder.url.appendingPathComponent(name))
    }
    try manager.createDirectory(at: folder.url.appendingPathComponent("pictures"), withIntermediateDirectories: false)
    for name in ["cells.png", "shapes.png"] {
      try manager.copyItem(
        at: pictures.appendingPathComponent(name), to: folder.url.appendingPathComponent("pictures/\(name)"))
    }
    let script = "set -o pipefail; cd \"$1\"; PATH=\"$2:$PATH\"; " + "eval \"$3\""
    for command in commands {
      let outcome = try Program.shell(
        script, [folder.url.path, Program.url.deletingLastPathComponent().path, command])
      #expect(outcome.status == 0, "\(command): \(outcome.errors)")
      // Each output that it names is there.
      let words = command.split(separator: " ").map { $0.trimmingCharacters(in: ["'"]) }
      for (option, name) in zip(words, words.dropFirst())
      where ["-o", ">", "--overlay", "--sheet"].contains(option) && !name.contains("{")
        && !command.contains("job create")
      {
        #expect(manager.fileExists(atPath: folder.path(name)), "\(command): \(name)")
      }
    }
    for name in ["e-0.2.png", "e-0.3.png", "blurred/shapes.png", "clean.png", "whole.png"] {
      #expect(manager.fileExists(atPath: folder.path(name)), "\(name)")
    }
    let same = try ImageReader(path: folder.path("same.png")).description
    #expect(try same == ImageReader(path: folder.path("photo.png")).description)
  }

  @Test func its_links_lead_somewhere() throws {
    let text = readme.joined(separator: "\n")
    let links = text.split(separator: "](").dropFirst().compactMap { $0.split(separator: ")").first }
    #expect(links.count > 8)
    for link in links where !link.hasPrefix("http") {
      #expect(
        FileManager.default.fileExists(atPath: projectFolder.appendingPathComponent(String(link)).path), "\(link)")
    }
  }
}
