import Imbrex

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How far a run is, on standard error: a bar on a terminal, plain lines elsewhere.
///
/// The cursor is left at the bar's beginning. When the window shrinks, terminals that wrap the bar keep the cursor at its first
/// character, others cut the bar off; either way clearing from there to the end of the screen leaves nothing behind.
final class Progress: Sendable {
  private struct State {
    var done = 0.0
    var files = 0
    var lastShown = 0
    var isShown = false
  }

  private let total: Int
  private let isBar: Bool
  private let start = monotonicNanoseconds()
  private let state = Locked(State())
  /// Nanoseconds before anything is shown, and between one state and the next.
  private static let delay = 500_000_000, barInterval = 100_000_000, lineInterval = 1_000_000_000

  /// From the line's beginning to the end of the screen.
  private static let erasing = "\r\u{1B}[J"

  /// - Returns: Nil where nothing is to be shown.
  static func make(_ options: CommonOptions, total: Int) -> Progress? {
    let isTerminal = isatty(2) != 0
    switch options.values.text("progress") {
    case "never": return nil
    case "always": return Progress(total: total, isBar: isTerminal)
    default: return isTerminal && !options.quiet ? Progress(total: total, isBar: true) : nil
    }
  }

  private init(total: Int, isBar: Bool) {
    self.total = max(total, 1)
    self.isBar = isBar
  }

  /// Some more of a file has been read.
  func advance(by share: Double) {
    state.withLock { state in
      state.done += share
      show(&state)
    }
  }

  /// A file is done, of which so much had been counted.
  func finishFile(counted: Double) {
    state.withLock { state in
      state.done += 1 - counted
      state.files += 1
      show(&state)
    }
  }

  /// Takes the bar away, so that a line can be written; it comes back by itself.
  func clear() {
    state.withLock { state in
      if state.isShown && isBar {
        emit(Self.erasing)
        setBarForSignals(isShown: false)
      }
      state.isShown = false
      state.lastShown = 0
    }
  }

  /// The last state, for a log.
  func finish() {
    clear()
    state.withLock { state in
      if !isBar { emit("imbrex: \(text(state))\n") }
    }
  }

  private func show(_ state: inout State) {
    let now = monotonicNanoseconds()
    guard now - start > Self.delay, now - state.lastShown > (isBar ? Self.barInterval : Self.lineInterval) else {
      return
    }
    state.lastShown = now
    state.isShown = true
    guard isBar else { return emit("imbrex: \(text(state))\n") }
    setBarForSignals(isShown: true)
    emit(Self.erasing + line(state, width: terminalWidth()) + "\r")
  }

  /// The bar and its text, one column narrower than the window, so that it does not wrap.
  private func line(_ state: State, width: Int) -> String {
    let text = String(text(state).prefix(max(width - 1, 0)))
    let room = min(width - text.count - 4, 40)
    guard room >= 10 else { return text }
    let filled = Int(share(state) * Double(room))
    let (full, rest) = (String(repeating: "━", count: filled), String(repeating: "─", count: room - filled))
    return environment("NO_COLOR") == nil
      ? "\u{1B}[36m\(full)\u{1B}[2m\(rest)\u{1B}[0m \(text)" : "\(full)\(rest) \(text)"
  }

  /// Asked for each time: the window may have another size by now.
  private func terminalWidth() -> Int {
    var size = winsize()
    return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  private func share(_ state: State) -> Double { min(max(state.done / Double(total), 0), 1) }

  private func text(_ state: State) -> String {
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    let share = share(state)
    var parts = ["\(Int(share * 100)) %"]
    if total > 1 {
      parts += ["\(state.files) of \(total) files", "\(fixed(Double(state.files) / seconds, 1)) files/s"]
    }
    if share > 0 && share < 1 { parts.append("\(clock(seconds / share - seconds)) left") }
    return parts.joined(separator: ", ")
  }

  private func clock(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 359_999).rounded(.up))
    func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
    return whole >= 3600
      ? "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))" : "\(whole / 60):\(two(whole % 60))"
  }

  private func emit(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(2, bytes, bytes.count)
  }
}

/// Tells a run's progress how much of a picture has been read.
final class ProgressSource: RowSource {
  private let base: any RowSource
  private let progress: Progress
  private let shareOfFile: Double
  private let counter: Locked<Double>
  private let rowsInAll: Locked<Int>

  /// - Parameter counter: What has been counted of the file.
  init(_ base: any RowSource, _ progress: Progress, shareOfFile: Double, counter: Locked<Double>) {
    self.base = base
    self.progress = progress
    self.shareOfFile = shareOfFile
    self.counter = counter
    rowsInAll = Locked(base.description.height)
  }

  var description: ImageDescription { base.description }

  func select(_ window: Region) throws {
    try base.select(window)
    rowsInAll.withLock { $0 = window.height }
  }

  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    try base.read(into: rows, stride: stride, count: count)
    let share = shareOfFile * Double(count) / Double(rowsInAll.withLock { $0 })
    counter.withLock { $0 += share }
    progress.advance(by: share)
  }
}
