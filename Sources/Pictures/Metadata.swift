/// What a file carries beside its samples: kept from input to output so that the same kind of file comes out.
public struct Metadata: Equatable, Sendable {
  /// Pixels per unit of length, as printers and microscopes write them.
  public struct Resolution: Equatable, Sendable {
    /// The unit of length; `none`: the file says only how wide pixels are for their height.
    public enum Unit: Int32, Sendable { case none = 0, inch, centimeter }
    /// Pixels per unit (with `Unit.none`: only their ratio has a meaning).
    public var x, y: Double
    /// What `x` and `y` count pixels in.
    public var unit: Unit

    /// Pixels per unit, above 0; the axes may differ.
    public init(x: Double, y: Double, unit: Unit) { (self.x, self.y, self.unit) = (x, y, unit) }
  }

  /// How a TIFF lays out and packs its samples, in libtiff's numbers; 0 means unknown.
  public struct TIFFLayout: Equatable, Sendable {
    /// Tag 259: 1 none, 5 LZW, 7 JPEG, 8 deflate, 50000 zstd, 50001 WebP …
    public var compression: Int32 = 0
    /// Tag 317: 1 none, 2 differences of integers, 3 of floats.
    public var predictor: Int32 = 0
    /// 0: strips.
    public var tileWidth: UInt32 = 0
    /// Rows of a tile, a multiple of 16; 0: strips.
    public var tileHeight: UInt32 = 0
    /// Rows of a strip, where there are no tiles.
    public var rowsPerStrip: UInt32 = 0
    /// Whether each channel lies by itself.
    public var isPlanar = false
    /// Whether numbers begin with their most significant byte.
    public var isBigEndian = false
    /// Whether offsets have 64 bits, as files over 4 GB need them.
    public var isBigTIFF = false
    /// Min-is-white.
    public var isInverted = false
    /// Where alpha stands among the samples behind colour.
    public var alphaPlace: Int32 = 0
    /// Of WebP: whether samples come back as they were.
    public var isLosslessWebP = false
    /// LERC's largest error, in the samples' own units; 0: without loss, negative: unknown.
    public var lercError = 0.0
    /// What LERC's blocks are compressed with in addition, in its numbers: 0 nothing, 1 deflate, 2 zstd.
    public var lercAddition: Int32 = 0
    /// What goes with the page, in the order of the file.
    public var companions: [TIFFCompanion] = []
    /// Whether the file has GDAL's layout for the cloud.
    public var isCloudOptimized = false
    /// Whether tiles are no smaller where the picture is.
    package var hasWholeTiles = false
    /// Whether the page is a reduced version of another.
    package var isReduced = false
  }

  /// How a JPEG was compressed; 0 means unknown.
  public struct JPEGCoding: Equatable, Sendable {
    /// 1 … 100, estimated from the quantisation tables.
    public var quality: Int32 = 0
    /// Whether the picture comes in scans that refine it.
    public var isProgressive = false
    /// 2, 2 for 4:2:0; 1, 1 for 4:4:4.
    public var horizontalSampling: Int32 = 0
    /// Rows of luma for one of chroma; see ``horizontalSampling``.
    public var verticalSampling: Int32 = 0
    /// RGB or CMYK as they are, not as YCbCr or YCCK.
    public var isUntransformed = false
    /// Arithmetic coding instead of Huffman's.
    public var isArithmetic = false
    /// MCUs between restart markers; 0: none.
    public var restartInterval: Int32 = 0
  }

  /// How a NumPy array lies, where its picture does not tell.
  public struct ArrayLayout: Equatable, Sendable {
    /// Whether one page has an axis of its own, and one channel.
    public var isPaged = false
    /// Whether there is an axis of channels, though there is one channel.
    public var isChanneled = false
    /// Whether numbers begin with their most significant byte.
    public var isBigEndian = false
    /// The first axis varies fastest. Such arrays are read only.
    public var isFortran = false
  }

  /// How the picture is turned and mirrored to be shown, 1 … 8 as in TIFF and Exif; nil: not said, which is 1.
  public var orientation: Int?
  /// Pixels per unit of length; nil: not said.
  public var resolution: Resolution?
  /// The ICC profile as it stands in the file, not checked; empty: none.
  public var iccProfile: [UInt8] = []
  /// What else the file carries, in its order: Exif, XMP, texts, tags.
  public var items: [MetadataItem] = []
  /// What made the picture, where that is to be written down.
  public var software: String?
  /// Whether a PNG comes in Adam7's seven passes; writing it needs the picture in memory.
  public var isInterlacedPNG = false
  /// How a JPEG was compressed, or is to be.
  public var jpeg = JPEGCoding()
  /// How a TIFF lies and is compressed, or is to be.
  public var tiff = TIFFLayout()
  /// How a NumPy array lies, or is to lie.
  public var array = ArrayLayout()

  /// Nothing is said: each format's defaults.
  public init() {}

  /// Whether a picture has to be turned to be upright.
  public var isTurned: Bool { (orientation ?? 1) != 1 }

  /// Takes away all that does not say how samples are laid out: profile, resolution, orientation, items.
  public mutating func strip() {
    orientation = nil
    resolution = nil
    iccProfile = []
    items = []
    software = nil
    tiff.companions.removeAll { $0.role == .picture }
  }

  /// The profile, if it is one for such colour (ICC.1:2022, 7.2.6); a profile of RGB says nothing of gray.
  package func profile(for picture: ImageDescription) -> [UInt8] {
    guard iccProfile.count >= 128 else { return [] }
    let signature =
      switch picture.color {
      case .gray: "GRAY"
      case .rgb: "RGB "
      case .cmyk: "CMYK"
      case .lab: "Lab "
      }
    return Array(iccProfile[16..<20]) == Array(signature.utf8) ? iccProfile : []
  }
}

/// Something that a file carries beside its picture.
public struct MetadataItem: Equatable, Sendable {
  /// What kind of thing it is, which says where a format puts it.
  public enum Kind: Int32, Sendable {
    /// Exif 2.3: a TIFF stream without pictures.
    case exif = 0
    case xmp, comment
    /// Chunks of PNG and marker segments of JPEG, which only such files can take again.
    case png, jpeg
    /// A tag of a TIFF directory, or of its Exif or GPS directory.
    case tiff, tiffExif, tiffGPS
  }

  /// What kind of thing it is.
  public var kind: Kind
  /// TIFF's tag, PNG's chunk name as a big-endian number, or JPEG's marker.
  public var tag: UInt32 = 0
  /// TIFF's field type.
  public var type: UInt16 = 0
  /// Values of that type.
  public var count = 0
  /// Numbers of a TIFF field are in the machine's byte order.
  public var bytes: [UInt8]

  /// - Parameters:
  ///   - tag: See ``tag``; 0 where the kind says all.
  ///   - type: TIFF's field type, for tags.
  ///   - count: Values of that type; nil: as many as bytes.
  ///   - bytes: The content, numbers in the machine's byte order. Not checked.
  public init(kind: Kind, tag: UInt32 = 0, type: UInt16 = 0, count: Int? = nil, bytes: [UInt8]) {
    self.kind = kind
    self.tag = tag
    self.type = type
    self.count = count ?? bytes.count
    self.bytes = bytes
  }

  /// The name of a PNG chunk.
  package var chunkName: String {
    String(decoding: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: tag >> $0) }, as: UTF8.self)
  }
}
