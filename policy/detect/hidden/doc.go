// Package hidden finds characters that a reader does not see and a model does:
// tags, zero width characters, variation selectors without a base, controls of
// the direction of writing, soft hyphens. It tells where they are and, if they
// spell something, what.
//
// Such characters have honest uses: joiners in emoji and in scripts that need
// them, one selector behind a character, flags made of tags, marks of direction
// in Hebrew and Arabic. These are not reported. The package must not know roles,
// dialects or rules of the policy, and it does no I/O.
package hidden
