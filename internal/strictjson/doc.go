// Package strictjson reads JSON in one pass and refuses everything that two
// readers could understand differently: duplicate member names (compared after
// unescaping), and, in objects the caller governs, names that differ only in
// letter case; invalid UTF-8, NUL in names, raw control bytes, bad escapes, bad
// numbers, a second document, nesting deeper than MaxDepth.
//
// It is a pull scanner over a byte slice. It copies nothing but names and
// strings that hold escapes, and allocates nothing for clean input. It builds
// no tree and converts no number it was not asked for: what is to be forwarded
// is forwarded as bytes, by the spans that the scanner reports.
//
// It must not grow a writer, reflection or any knowledge of a dialect.
package strictjson
