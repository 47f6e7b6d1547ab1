import Pictures
import Platform

internal import CodecShims

/// What goes with the pages of a TIFF that is written: which levels are made, what is copied, and the file's layout.
final class TIFFExtras {
  /// Of the current page.
  private var page: PageHeader
  private let target: SharedDescriptor
  /// Where libtiff writes a page that is to stand behind its levels.
  private let spool: SharedDescriptor?
  private let assembly: TIFFAssembly
  private let isContiguous: Bool
  private var isBigEndian: Bool { page.header.tiff_big_endian != 0 }
  /// What is made of the page that libtiff has not ended yet.
  private var made: [LevelCascade.Made] = []
  private(set) var notes: [String] = []

  /// Nil if libtiff can write all that there is.
  init?(_ page: PageHeader, to descriptor: Int32) throws {
    guard
      !page.companions.isEmpty || page.isCloudOptimized || page.mayHaveCompanions || page.beginsContiguousStack
    else { return nil }
    self.page = page
    isContiguous = page.beginsContiguousStack
    guard let file = SharedDescriptor(copying: descriptor) else { throw ImbrexError(.output, refused: "cannot write") }
    target = file
    spool = page.isCloudOptimized ? SharedDescriptor(try openTemporaryFile()) : nil
    assembly = TIFFAssembly(spool ?? target, isBigEndian: page.header.tiff_big_endian != 0)
  }

  var libraryDescriptor: Int32 { (spool ?? target).number }

  func levels() throws -> LevelCascade? {
    let wanted = page.companions.enumerated().compactMap { index, companion in
      companion.level.map {
        LevelCascade.Wanted(companion: index, level: $0, page: page.reduced(to: $0, of: companion))
      }
    }
    guard !wanted.isEmpty else { return nil }
    return try LevelCascade(
      wanted, of: page.description, isOfTwoValues: page.isOfTwoValues, nodata: page.nodata, mask: page.mask)
  }

  /// - Parameter levels: As ``levels()`` made them.
  func endPage(_ levels: [LevelCascade.Made]) { made = levels }

  /// libtiff has ended the page before, and begun this.
  func startPage(_ next: PageHeader) throws {
    try keepPage()
    page = next
  }

  private func keepPage() throws {
    var nodes: [(node: TIFFNode, isChild: Bool)] = []
    for (index, companion) in page.companions.enumerated() {
      if let level = made.first(where: { $0.companion == index }) {
        nodes.append((try TIFFAssembly.node(of: level, isBigEndian: isBigEndian), companion.isChild))
      } else if let mask = companion.mask {
        nodes.append((try TIFFNode(mask, like: page, isBigEndian: isBigEndian), companion.isChild))
      } else if let source = companion.source, companion.level == nil {
        do {
          let node = try TIFFAssembly.node(source, isBigEndian: isBigEndian)
          if companion.role == .picture && !page.isSlide { node.markAsPicture(isBigEndian: isBigEndian) }
          nodes.append((node, companion.isChild))
        } catch let error as ImbrexError where error.code == .input {
          notes.append("a mask or picture beside the page is left out: \(error.message)")
        }
      }
    }
    made = []
    try assembly.endPage(nodes, copiesData: spool == nil)
  }

  /// libtiff has ended the file.
  func finish() throws {
    try keepPage()
    if isContiguous && !assembly.hasCompanions { return try assembly.finishContiguous() }
    guard spool != nil else { return try assembly.finish() }
    try assembly.finishCloudOptimized(to: target, isBig: page.header.tiff_big != 0)
  }
}
