/// A number with a fixed count of decimals.
public func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, abs(value) < 1e12 else { return String(value) }
  var factor = 1.0
  for _ in 0..<decimals { factor *= 10 }
  let scaled = Int((abs(value) * factor).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  if decimals == 0 { return sign + String(scaled) }
  let fraction = String(scaled % Int(factor))
  return "\(sign)\(scaled / Int(factor)).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
}
