/// The version of imbrex; the only place where it stands.
public let version = "0.1.0"
