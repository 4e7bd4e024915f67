// Package norm writes a text the way a reader sees it: compatibility forms
// become plain ones (NFKC, character by character), characters that nobody sees
// are gone, tag characters are the letters they hide, letters of other alphabets
// that look like ASCII are ASCII, and marks on top of letters are dropped. It
// remembers which bytes of the original each byte came from, so that what is
// found can be edited where it stands.
//
// The normalised text is for detectors only. It is not canonical Unicode and
// must never be sent anywhere. All work is linear, and each character is looked
// at alone, so that text may come in pieces. Of a whole text the stretches that
// normalising leaves alone are read once, see both.
package norm
