// swift-tools-version: 6.1
import PackageDescription

// A package that uses the library as any other would: built and run by `make test`.
let package = Package(
  name: "ExamplePackage",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "imbrex", path: "../..")],
  targets: [
    .executableTarget(name: "blur", dependencies: [.product(name: "Imbrex", package: "imbrex")]),
    // The program of the article "A filter of your own", word for word.
    .executableTarget(name: "grow", dependencies: [.product(name: "Imbrex", package: "imbrex")]),
  ])
