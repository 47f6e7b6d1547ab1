// swift-tools-version: 6.1
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// `make dist`: the names of libtiff and all that it needs, which are linked in, so that one file is enough.
let linkedTIFF = (Context.environment["IMBREX_LINKED_TIFF"] ?? "").split(separator: " ").map(String.init)

// On Linux libtiff is loaded when the first TIFF is met (CodecShims/tiff_library.c), so nothing is linked.
#if os(Linux)
  let libtiff: String? = nil
#else
  let libtiff: String? = "libtiff-4"
#endif

// The C library checks buffers whose sizes compilers know; it asks for optimisation.
let checked: [CSetting] = [
  .define("_FORTIFY_SOURCE", to: "3", .when(platforms: [.linux], configuration: .release))
]

let package = Package(
  name: "imbrex",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "imbrex", targets: ["ImbrexCommand"]),
    .library(name: "Imbrex", targets: ["Imbrex"]),
  ],
  targets: [
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(
      name: "CTIFF", pkgConfig: libtiff, providers: [.apt(["libtiff-dev"]), .brew(["libtiff"])]),
    .systemLibrary(
      name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"]), .brew(["isa-l"])]),
    .systemLibrary(
      name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"]), .brew(["xxhash"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    // The rooms: each imports only what stands above it. Sources/Imbrex/Documentation.docc/Architecture.md shows them.
    .target(name: "Kernels", cSettings: checked),
    .target(name: "SystemShims", cSettings: checked),
    .target(name: "PluginInterface", cSettings: checked),
    .target(
      name: "CodecShims", dependencies: ["CPNG", "CJPEG", "CTIFF", "CISAL", "CZlib"],
      cSettings: checked + (linkedTIFF.isEmpty ? [] : [.define("IMBREX_LINKED_TIFF")]),
      linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))] + linkedTIFF.map { .linkedLibrary($0) }),
    .target(name: "Platform", dependencies: ["SystemShims"], swiftSettings: swiftSettings),
    .target(name: "Pictures", dependencies: ["Platform"], swiftSettings: swiftSettings),
    .target(name: "Codecs", dependencies: ["Pictures", "Platform", "CodecShims"], swiftSettings: swiftSettings),
    .target(name: "Pipeline", dependencies: ["Pictures", "Platform"], swiftSettings: swiftSettings),
    .target(
      name: "Plugins", dependencies: ["Pipeline", "Pictures", "Platform", "PluginInterface", "SystemShims"],
      swiftSettings: swiftSettings),
    .target(
      name: "Filters", dependencies: ["Plugins", "Pipeline", "Pictures", "Platform", "Kernels", "CodecShims"],
      swiftSettings: swiftSettings),
    .target(
      name: "Jobs", dependencies: ["Pipeline", "Codecs", "Pictures", "Platform", "CXXHash"],
      swiftSettings: swiftSettings),
    // The library under one name.
    .target(
      name: "Imbrex", dependencies: ["Jobs", "Filters", "Plugins", "Codecs", "Pipeline", "Pictures", "Platform"],
      swiftSettings: swiftSettings),
    .executableTarget(name: "ImbrexCommand", dependencies: ["Imbrex"], swiftSettings: swiftSettings),

    // What tests share: seeded noise, pictures in memory, the built program as a process.
    .target(
      name: "TestSupport", dependencies: ["Imbrex"], path: "Tests/TestSupport", swiftSettings: swiftSettings),
    .testTarget(
      name: "ImbrexTests", dependencies: ["Imbrex", "ImbrexCommand", "TestSupport"], swiftSettings: swiftSettings),
    .testTarget(
      name: "KernelsTests", dependencies: ["Kernels", "TestSupport"], swiftSettings: swiftSettings),
    .testTarget(
      name: "ImbrexCommandTests", dependencies: ["ImbrexCommand", "Imbrex", "TestSupport"],
      swiftSettings: swiftSettings),
  ]
)
