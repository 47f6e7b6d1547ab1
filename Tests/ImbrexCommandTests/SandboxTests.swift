import Foundation
import TestSupport
import Testing

#if os(Linux)
  /// What an attack that has taken over a reader can do: nothing beside its picture. Its part is played by a plug-in.
  @Suite struct SandboxTests {
    private let folder: TemporaryFolder
    init() throws {
      folder = try TemporaryFolder()
      try FileManager.default.copyItem(atPath: testImage("shapes.png"), toPath: folder.path("in.png"))
      try Data("key".utf8).write(to: folder.url.appendingPathComponent("secret"))
      try FileManager.default.createDirectory(atPath: folder.path("out"), withIntermediateDirectories: true)
    }

    private func run(_ words: [String], environment: [String: String] = [:]) throws -> Program.Outcome {
      try Program.run(words, environment: environment, folder: folder.url)
    }

    private func shell(_ script: String) throws -> Program.Outcome {
      try Program.shell("cd \"$2\"; \(script)", [Program.url.path, folder.url.path])
    }

    private func files(_ name: String) -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder.path(name))) ?? []).sorted()
    }

    /// Kernels without one of the two run the tests of what goes on working alone.
    private static let isThere: Bool = {
      let line = ["median", "--radius", "0", "-v", testImage("pixel.png"), "--format", "pam"]
      return ((try? Program.run(line).errors) ?? "").contains("no sandbox") == false
    }()

    private func spy(_ deed: String, _ path: String = "", _ options: [String] = []) throws -> Program.Outcome {
      let plugin = try #require(PluginFiles.spy)
      return try run(
        ["apply", "--plugin", plugin, "--set", "deed=\(deed)", "--set", "path=\(path)", "in.png", "-o", "out/out.png"]
          + options)
    }

    static let deeds = ["read", "write", "list", "exec", "become", "fork", "connect", "local", "trace"]

    private func path(of deed: String) -> String { folder.path(deed == "list" ? "." : "secret") }

    @Test(arguments: deeds) func what_reads_a_picture_can_do_nothing_else(_ deed: String) throws {
      guard Self.isThere else { return }
      // In imbrex itself, where readers are; then in a plug-in's own process.
      for place in [["--in-process"], []] {
        let outcome = try spy(deed, path(of: deed), place)
        #expect(outcome.status == 1 && outcome.errors.contains("spy may not \(deed): "), "\(outcome.errors)")
        #expect(files("out").isEmpty)
      }
    }

    @Test(arguments: deeds) func without_it_all_of_that_would_work(_ deed: String) throws {
      if deed == "become" || deed == "trace" { return }
      let outcome = try spy(deed, path(of: deed), ["--in-process", "--no-sandbox"])
      #expect(outcome.status == 0 && files("out") == ["out.png"], "\(outcome.errors)")
      #expect(try spy(deed, path(of: deed), ["--no-sandbox"]).status == 0)
    }

    @Test func the_directory_of_outputs_is_no_way_to_others() throws {
      guard Self.isThere else { return }
      #expect(try spy("write", folder.path("out/left"), ["--in-process"]).status == 0)
      #expect(try spy("write", folder.path("left"), ["--in-process"]).status == 1)
      #expect(try spy("read", "/etc/passwd", ["--in-process"]).status == 1)
      #expect(try spy("read", folder.path("in.png"), ["--in-process"]).status == 0)
      #expect(try spy("read", folder.path("in.png")).status == 1)
    }

    @Test func commands_have_the_rights_of_their_user() throws {
      let deed = "cat secret > seen; cat"
      for options in [[], ["--keep", "--tile", "100x100"], ["--tile", "100x100"]] {
        let outcome = try run(["apply", "--command", deed] + options + ["in.png", "-o", "out/out.png", "-q"])
        if options.contains("--keep") { continue }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(FileManager.default.contents(atPath: folder.path("seen")) == Data("key".utf8))
      }
    }

    @Test func a_kernel_without_it_is_told_of_when_asked() throws {
      func outcome(_ fault: String, _ options: String...) throws -> Program.Outcome? {
        try FaultLibrary.run(["median", "in.png", "-o", "out/a.png"] + options, fault: fault, folder: folder.url)
      }
      guard let first = try outcome("syscall:1:38", "-v") else { return }
      #expect(
        first.status == 0 && first.errors.contains("imbrex: no sandbox, or less of it: the kernel has no Landlock"))
      #expect(try outcome("syscall:1:38")?.errors == "")
      #expect(try outcome("syscall:1:38", "-v", "--no-sandbox")?.errors.contains("no sandbox") == false)
    }

    /// Of the directory of temporary files it has a part that is its own, and that goes with it.
    @Test func temporary_files_are_made_apart_from_others() throws {
      guard Self.isThere else { return }
      try FileManager.default.createDirectory(atPath: folder.path("tmp"), withIntermediateDirectories: true)
      try Data("key".utf8).write(to: folder.url.appendingPathComponent("tmp/secret"))
      let plugin = try #require(PluginFiles.spy)
      let outcome = try run(
        [
          "apply", "--in-process", "--plugin", plugin, "--set", "deed=read", "--set",
          "path=\(folder.path("tmp/secret"))",
          "in.png", "-o", "out/a.png",
        ], environment: ["TMPDIR": folder.path("tmp")])
      #expect(outcome.status == 1 && files("tmp") == ["secret"])
      let script = """
        TMPDIR=$PWD/tmp; export TMPDIR; mkfifo pipe; "$1" median --radius 0 pipe -o out/b.png & exec 3> pipe
        until ls -d tmp/.files* >/dev/null 2>&1; do :; done; kill -9 $!; wait $! 2>/dev/null; exec 3>&-
        ls -A tmp | wc -l; "$1" median --radius 0 in.png -o out/c.png; ls -A tmp
        """
      #expect(try shell(script).text.split(whereSeparator: \.isWhitespace) == ["2", "secret"])
    }

    // MARK: - What goes on working

    @Test func links_and_many_inputs_are_read() throws {
      let script = """
        mkdir many elsewhere far; for i in $(seq 200); do cp in.png many/$i.png; done; cp in.png elsewhere/; cp in.png far/
        ln -s ../elsewhere/in.png many/link.png; ln -s far/in.png named.png
        "$1" median --radius 0 many named.png in.png -o out/ -q && ls out | wc -l
        "$1" median --radius 0 many/*.png -o out2/ && ls out2 | wc -l
        printf '%s\\n' many/*.png named.png | "$1" median --radius 0 --files-from - -o out3/ -q && ls out3 | wc -l
        ln -s far links; "$1" median links/in.png --in-place && "$1" median named.png --in-place=.old && ls far
        ln -s ../far/other.png out/other.png; cp in.png far/other.png; "$1" median in.png -o out/other.png
        [ -L out/other.png ] && ! cmp -s far/other.png in.png && echo written
        """
      let outcome = try shell(script)
      #expect(
        outcome.text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
          == "203 201 202 in.png in.png.old written", "\(outcome.text)\(outcome.errors)")
    }

    @Test func everything_that_is_written_has_its_place() throws {
      let script = """
        "$1" gaussian then tee tees/ then blob-detect in.png -o tables/ --overlay shown/ --report r.json -q
        "$1" edge --low 0.05 --high {t} --vary t=0.1,0.3 in.png -o 'edges-{t}.png' --sheet sheet.png --truth out.png
        "$1" median in.png -o new/deep/er/
        "$1" job create job --parts 2 -- gaussian then edge in.png -o made.png; "$1" job run job
        "$1" bench median --end-to-end --runs 1 --warmup 0 in.png --plot plot.svg >/dev/null
        "$1" median --mask in.png in.png -o masked.png
        "$1" median in.png -o empty/ 2>/dev/null --nodata nan --page 3; echo x > bad.png; "$1" median bad.png bad.png -o gone/deeper/ 2>/dev/null
        ls -d tees/in.png tables/in.csv shown/in.png r.json edges-0.1.png edges-0.3.png new/deep/er/in.png made.png plot.svg masked.png
        ls -d gone empty 2>/dev/null; true
        """
      let outcome = try shell("\"$1\" edge in.png -o out.png; \(script)")
      let made =
        "edges-0.1.png edges-0.3.png made.png masked.png new/deep/er/in.png plot.svg r.json shown/in.png tables/in.csv tees/in.png"
      #expect(
        outcome.text.split(separator: "\n").suffix(10).joined(separator: " ") == made,
        "\(outcome.text)\(outcome.errors)")
    }
  }
#endif
