/// What a file carries beside its samples: kept from input to output so that the same kind of file comes out.
public struct Metadata: Equatable, Sendable {
  public struct Resolution: Equatable, Sendable {
    public enum Unit: Int32, Sendable { case none = 0, inch, centimeter }
    /// Pixels per unit (with `Unit.none`: only their ratio has a meaning).
    public var x, y: Double
    public var unit: Unit
  }

  /// How a TIFF lays out and packs its samples, in libtiff's numbers; 0 means unknown.
  public struct TIFFLayout: Equatable, Sendable {
    public var compression: Int32 = 0
    public var predictor: Int32 = 0
    /// 0: strips.
    public var tileWidth: UInt32 = 0
    public var tileHeight: UInt32 = 0
    public var rowsPerStrip: UInt32 = 0
    public var isPlanar = false
    public var isBigEndian = false
    public var isBigTIFF = false
  }

  /// How a JPEG was compressed; 0 means unknown.
  public struct JPEGCoding: Equatable, Sendable {
    /// 1 … 100, estimated from the quantisation tables.
    public var quality: Int32 = 0
    public var isProgressive = false
    /// 2, 2 for 4:2:0; 1, 1 for 4:4:4.
    public var horizontalSampling: Int32 = 0
    public var verticalSampling: Int32 = 0
  }

  public var resolution: Resolution?
  public var iccProfile: [UInt8] = []
  public var isInterlacedPNG = false
  public var jpeg = JPEGCoding()
  public var tiff = TIFFLayout()

  public init() {}
}
