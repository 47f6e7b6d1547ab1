// The library under one name: a program imports Imbrex and has all rooms.

@_exported public import Codecs
@_exported public import Filters
@_exported public import Jobs
@_exported public import Pictures
@_exported public import Pipeline
@_exported public import Platform
@_exported public import Plugins
