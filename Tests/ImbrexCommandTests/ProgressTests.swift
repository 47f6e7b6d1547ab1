import Foundation
import TestSupport
import Testing

/// The bar of progress, seen by a terminal that is played by a script: it has a window, whose size changes, and a screen.
@Suite struct ProgressTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Runs the program on a picture that comes slowly, resizes the window, and tells what stands on the screen at the end.
  ///
  /// Arguments: the program, `reflow` or `cut` (what the terminal does with lines that become too long), columns before and after,
  /// and a signal to end it with, or 0.
  private static let terminal = #"""
    import codecs, fcntl, os, re, select, struct, subprocess, sys, termios, threading, time

    program, mode, before, after, signal = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    lines, row, column, width = [list("$ imbrex"), []], 1, 0, before

    def place(character):
        global row, column
        if mode == "cut" and column == width:
            row, column = row + 1, 0
            lines.insert(row, [])
        lines[row][column:column + 1] = [character]
        column += 1

    def resize(columns):
        """Reflowed, a line goes on over several rows; the cursor stays at its character."""
        global width, column
        width = columns
        if mode == "cut":
            for line in lines: del line[width:]
            column = min(column, width - 1)

    def show(text):
        global row, column
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.", text, re.S):
            if part == "\r": column -= column % width if mode == "reflow" else column
            elif part == "\n":
                row, column = row + 1, 0
                lines.insert(row, [])
            elif part == "\x1b[J": del lines[row][column:], lines[row + 1:]
            elif part == "\x1b[K": del lines[row][column:(column // width + 1) * width]
            elif part[0] != "\x1b": place(part)

    master, slave = os.openpty()
    def set_window(columns): fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    set_window(before)
    run = subprocess.Popen([program, "gaussian", "-", "-o", "out.png"], stdin=subprocess.PIPE, stderr=slave)

    def feed():
        try:
            run.stdin.write(b"P5 1000 3000 255\n")
            for _ in range(30):
                run.stdin.write(bytes(100000))
                run.stdin.flush()
                time.sleep(0.08)
            run.stdin.close()
        except BrokenPipeError: pass
    threading.Thread(target=feed, daemon=True).start()

    decoder, seen, start = codecs.getincrementaldecoder("utf-8")(), {before: 0, after: 0}, time.time()
    while True:
        ready = select.select([master], [], [], 0.05)[0]
        if ready:
            text = decoder.decode(os.read(master, 65536))
            show(text)
            seen[width] += text.count("%")
        elif run.poll() is not None: break
        if width == before and time.time() - start > 1.3:
            set_window(after)
            resize(after)
        if signal and time.time() - start > 2 and run.poll() is None: run.send_signal(signal)
    rest = "\n".join("".join(line) for line in lines).rstrip("\n")
    print(f"{run.returncode} {min(seen.values()) > 0} {rest!r}")
    """#

  @Test(
    .enabled(if: (try? Program.shell("command -v python3", []))?.status == 0),
    arguments: [
      "reflow 100 30 0", "cut 100 30 0", "reflow 30 100 0", "reflow 100 9 0", "reflow 100 30 2", "cut 100 30 15",
    ])
  func the_bar_leaves_nothing_behind(_ words: String) throws {
    let words = words.split(separator: " ").map(String.init)
    try Self.terminal.write(toFile: folder.path("terminal.py"), atomically: true, encoding: .utf8)
    let outcome = try Program.shell(
      "cd \"$1\" && shift && python3 terminal.py \"$@\"", [folder.url.path, Program.url.path] + words)
    let status = words[3] == "0" ? "0" : "-\(words[3])"
    #expect(outcome.text == "\(status) True '$ imbrex'\n", "\(outcome.errors)")
  }
}
