/// What is worth telling while a run goes on and is no error: lines that a command writes on its standard error. A program shows
/// them as it likes; nobody has to.
public enum Remarks {
  private static let listener = Locked<(@Sendable (String) -> Void)?>(nil)

  /// From now on lines go there, one call at a time; nil: nowhere.
  public static func show(_ take: (@Sendable (String) -> Void)?) { listener.withLock { $0 = take } }

  package static func say(_ line: String) { listener.withLock { $0?(line) } }
}
