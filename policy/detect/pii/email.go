package pii

import "strings"

const (
	maxLocal  = 64
	maxDomain = 253
)

// Endings of files, which stand behind an at sign in names like logo@2x.png.
var fileEndings = map[string]bool{"png": true, "jpg": true, "jpeg": true, "gif": true, "svg": true, "webp": true, "js": true, "ts": true,
	"css": true, "json": true, "html": true, "php": true, "py": true, "txt": true, "yml": true, "yaml": true, "xml": true, "mjs": true, "tsx": true, "jsx": true}

// localBytes are the bytes of ASCII before the at sign.
var localBytes = table("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._%+-'")

// email matches an address as people write it: no quotes, no comments.
func (f *finder) email(p int, prev byte) int {
	if p < f.quiet {
		return 0
	}
	i := p
	var last byte
	for end := min(len(f.text), p+maxLocal); i < end && localBytes[f.text[i]] && f.text[i] != '.'; {
		last = f.text[i]
		i++
	}
	for i-p < maxLocal {
		b := f.c.At(i)
		if b >= 0xc3 && b <= 0xc9 {
			if n := f.c.At(i + 1); n < 0x80 || n > 0xbf {
				break
			}
			i += 2
			last = 'a'
			continue
		}
		if !localBytes[b] {
			break
		}
		if b == '.' && last == '.' {
			return 0
		}
		last = b
		i++
	}
	if f.c.At(i) != '@' {
		f.quiet = i
		if i-p >= maxLocal {
			for i < len(f.text) && i-p < 1024 && localBytes[f.text[i]] {
				i++
			}
			f.quiet = i - maxLocal
		}
		return 0
	}
	if last == '.' || f.inURL(p, prev) {
		return 0
	}
	i++
	start, label, dot := i, i, -1
	end := 0
	for i-start < maxDomain {
		b := f.c.At(i)
		switch {
		case alnum(b), b == '-' && i > label:
			i++
			continue
		case b >= 0xc3 && b <= 0xc9 && f.c.At(i+1) >= 0x80:
			i += 2
			continue
		case b == '.' && i > label && i-label <= 63 && f.text[i-1] != '-':
			dot = i
			i++
			label = i
			continue
		}
		break
	}
	// A dot at the end belongs to the sentence.
	end = i
	if label == i {
		end = dot
		if end > 0 {
			dot = strings.LastIndexByte(f.text[start:end], '.')
			if dot >= 0 {
				dot += start
			}
		}
	}
	if f.c.Short() || dot < 0 || end <= dot {
		return 0
	}
	top := strings.TrimRight(f.text[dot+1:end], "-")
	end = dot + 1 + len(top)
	if f.text[p:start] == "git@" && f.c.At(end) == ':' {
		return 0 // the address of a repository, which has no mailbox
	}
	if len(top) < 2 || len(top) > 24 || fileEndings[strings.ToLower(top)] {
		return 0
	}
	for k := range len(top) {
		if !letter(top[k]) && top[k] < 0x80 {
			if strings.HasPrefix(strings.ToLower(top), "xn--") {
				continue
			}
			return 0
		}
	}
	return end
}

// inURL tells whether p is behind scheme://user: or scheme:// and so the part
// before the at sign is a login of an address and not of a mailbox.
func (f *finder) inURL(p int, prev byte) bool {
	if prev == '/' && p >= 3 && f.text[p-2] == '/' && f.text[p-3] == ':' {
		return true
	}
	if prev != ':' {
		return false
	}
	for i := p - 1; i > 2 && p-i < 80; i-- {
		switch b := f.text[i-1]; {
		case b <= ' ':
			return false
		case b == '/' && f.text[i-2] == '/' && f.text[i-3] == ':':
			return true
		}
	}
	return false
}
