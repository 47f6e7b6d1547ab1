import Pictures
import Platform

/// Where everything is on a sheet.
struct SheetLayout: Equatable, Sendable {
  struct Label: Equatable, Sendable {
    let text: String
    let isName: Bool
    /// Where it begins, and the line that it stands on.
    let x, y: Double
  }

  /// A sixth of a capital's height, in pixels.
  static let unit = 1.5
  /// From one line of text to the next; between two thumbnails; at the sheet's edges; between a label and what it is of.
  private static let lineHeight = 17, gap = 8, margin = 10, space = 8

  let thumbnail: Sheet.Size
  let width, height: Int
  /// Combinations.
  let count: Int
  private(set) var labels: [Label] = []
  private let columns, left, top, columnPitch, rowPitch: Int

  /// - Parameters:
  ///   - shown: The part of a result that is shown.
  ///   - isFullSize: Do not reduce it.
  init(_ axes: [Sheet.Axis], shown: Region, isFullSize: Bool, most: Sheet.Size) throws {
    precondition(!axes.isEmpty && axes.allSatisfy { !$0.values.isEmpty })
    let last = axes.last!, others = axes.dropLast()
    let rowValues = others.reduce([[]]) { rows, axis in rows.flatMap { row in axis.values.map { row + [$0] } } }
      .map { $0.joined(separator: ", ") }
    let rowName = others.map(\.name).joined(separator: ", ")
    let isWrapped = others.isEmpty
    let count = rowValues.count * last.values.count
    self.count = count

    let widestRow = isWrapped ? 0 : ([rowName] + rowValues).map(Self.width).max()!
    let left = Self.margin + (isWrapped ? 0 : min(widestRow, most.width / 3) + Self.space)
    // One line for the name; with rows, one for the values over all columns.
    let top = Self.margin + Self.lineHeight * (isWrapped ? 1 : 2) + Self.space / 2
    // Of each row, over its thumbnails.
    let labelHeight = isWrapped ? Self.lineHeight : 0

    /// Room for each thumbnail in a grid of so many columns.
    func room(_ columns: Int) -> Sheet.Size {
      let rows = (count + columns - 1) / columns
      return Sheet.Size(
        width: (most.width - left - Self.margin + Self.gap) / columns - Self.gap,
        height: (most.height - top - Self.margin + Self.gap) / rows - Self.gap - labelHeight)
    }
    // With one name as many columns as show most; of equal ones those with the fewest empty cells, then those nearest the sheet's shape.
    func worth(_ columns: Int) -> (Int, Int, Int) {
      let size = Self.fitted(shown, to: room(columns)), rows = (count + columns - 1) / columns
      return (-size.width, rows * columns, abs(columns * size.width * most.height - rows * size.height * most.width))
    }
    let columns = isWrapped ? (1...count).min { worth($0) < worth($1) }! : last.values.count
    let rows = (count + columns - 1) / columns
    let cell = room(columns)
    let thumbnail = Self.fitted(shown, to: cell)
    let isReduced = thumbnail.width < shown.width || thumbnail.height < shown.height
    let isTooSmall = isFullSize ? isReduced : isReduced && max(thumbnail.width, thumbnail.height) < Sheet.leastSide
    if isTooSmall {
      throw Self.noRoom(
        for: shown, isFullSize: isFullSize, cell, columns: columns, rows: rows,
        beside: most.width - columns * (cell.width + Self.gap),
        below: most.height - rows * (cell.height + Self.gap), most: most)
    }

    // Columns are as wide as their labels, where there is room.
    let widestColumn = last.values.map(Self.width).max()!
    let columnPitch = max(thumbnail.width, min(widestColumn, cell.width)) + Self.gap
    let rowPitch = thumbnail.height + Self.gap + labelHeight
    (self.thumbnail, self.columnPitch, self.rowPitch) = (thumbnail, columnPitch, rowPitch)
    (self.columns, self.left, self.top) = (columns, left, top + labelHeight)
    width = min(
      max(left + columns * columnPitch - Self.gap + Self.margin, left + Self.width(last.name) + Self.margin), most.width
    )
    height = top + rows * rowPitch - Self.gap + Self.margin

    addLabels(rowName, rowValues, last, isWrapped: isWrapped)
  }

  /// The left upper corner of a thumbnail.
  func corner(of index: Int) -> (x: Int, y: Int) {
    let inCell = (columnPitch - Self.gap - thumbnail.width) / 2
    return (left + index % columns * columnPitch + inCell, top + index / columns * rowPitch)
  }

  // MARK: - Sizes

  /// Reduced to fit, or enlarged by a whole number.
  static func fitted(_ shown: Region, to room: Sheet.Size) -> Sheet.Size {
    guard room.width > 0, room.height > 0 else { return Sheet.Size(width: 0, height: 0) }
    if shown.width <= room.width && shown.height <= room.height {
      let most = Sheet.mostEnlargedSide / max(shown.width, shown.height)
      let factor = max(min(room.width / shown.width, room.height / shown.height, most), 1)
      return Sheet.Size(width: shown.width * factor, height: shown.height * factor)
    }
    func scaled(_ side: Int, _ from: Int, _ to: Int) -> Int { max((2 * side * to + from) / (2 * from), 1) }
    if room.width * shown.height <= room.height * shown.width {
      return Sheet.Size(width: room.width, height: scaled(shown.height, shown.width, room.width))
    }
    return Sheet.Size(width: scaled(shown.width, shown.height, room.height), height: room.height)
  }

  private static func noRoom(
    for shown: Region, isFullSize: Bool, _ room: Sheet.Size, columns: Int, rows: Int, beside: Int, below: Int,
    most: Sheet.Size
  ) -> ImbrexError {
    let grid = "\(columns) × \(rows) results on \(most.width) × \(most.height) pixels"
    let wanted =
      isFullSize
      ? Sheet.Size(width: shown.width, height: shown.height)
      : fitted(shown, to: Sheet.Size(width: leastRoom, height: leastRoom))
    var error =
      isFullSize
      ? ImbrexError(
        option: "sheet-region",
        "is \(shown.width) × \(shown.height), but \(grid) leave \(max(room.width, 0)) × \(max(room.height, 0)) for each"
      )
      : ImbrexError(option: "sheet", "has no room for \(grid): they would be too small to see; vary fewer values")
    error.remedy = ImbrexError.Remedy(
      "sheet-size",
      value:
        "\(max(beside + columns * (wanted.width + gap), most.width))x\(max(below + rows * (wanted.height + gap), most.height))"
    )
    return error
  }

  private static var leastRoom: Int { Sheet.leastSide }

  // MARK: - Labels

  static func width(_ text: String) -> Int { Int(StrokeFont.width(of: text, unit: unit).rounded(.up)) }

  /// A text, cut at its end if it is too wide.
  private static func cut(_ text: String, to most: Int) -> String {
    guard width(text) > most else { return text }
    var text = text
    while !text.isEmpty && width(text + "…") > most { text.removeLast() }
    return text + "…"
  }

  private mutating func addLabels(_ rowName: String, _ rowValues: [String], _ last: Sheet.Axis, isWrapped: Bool) {
    // Capitals are six units high; what hangs below has its place in the line.
    let capital = 6 * Self.unit, margin = Double(Self.margin)
    let grid = left + columns * columnPitch - Self.gap
    let nameX = max((left + grid - Self.width(last.name)) / 2, left)
    labels.append(
      Label(
        text: Self.cut(last.name, to: width - left - Self.margin), isName: true, x: Double(isWrapped ? left : nameX),
        y: margin + capital))

    // Values, every second or third only where they are wider than a column.
    let widest = last.values.map(Self.width).max()!
    let every = (widest + Self.space / 2 + columnPitch - 1) / columnPitch
    for (index, value) in last.values.enumerated() where index % columns % every == 0 {
      let text = Self.cut(value, to: width - left - Self.margin)
      let (x, y) = corner(of: index)
      let start = x + (thumbnail.width - Self.width(text)) / 2
      let most = width - Self.width(text) - Self.margin / 2
      labels.append(
        Label(text: text, isName: false, x: Double(max(min(start, most), Self.margin / 2)), y: Double(y - Self.space)))
    }
    guard !isWrapped else { return }

    let room = left - Self.margin - Self.space
    func add(_ text: String, isName: Bool, y: Double) {
      let text = Self.cut(text, to: room)
      labels.append(Label(text: text, isName: isName, x: Double(left - Self.space - Self.width(text)), y: y))
    }
    add(rowName, isName: true, y: Double(top - Self.space))
    for (row, value) in rowValues.enumerated() {
      add(value, isName: false, y: Double(top + row * rowPitch + thumbnail.height / 2) + capital / 2)
    }
  }
}
