package made

// named are texts that give a value a name: %n is the name, %v the value.
var named = []string{
	"# production\nPORT=8080\n%n=%v\nLOG_LEVEL=info\n",
	"export %n=\"%v\"",
	"{\n  \"debug\": false,\n  \"%n\": \"%v\",\n  \"region\": \"eu-west-1\"\n}",
	"services:\n  api:\n    environment:\n      %n: %v\n      TZ: UTC\n",
	"[auth]\n%n = \"%v\"\ntimeout = 30\n",
	"const %n = '%v';\nclient.connect(%n);",
	"%n := \"%v\"\nc := api.New(%n)",
	"os.environ['%n'] = '%v'",
	"define('%n', '%v');",
	"private static final String %n = \"%v\";",
	"docker run -e %n=%v -p 80:80 app:latest",
	"variable \"%n\" {\n  type    = string\n  default = \"%v\"\n}",
	"        - name: %n\n          value: \"%v\"",
	"ENV %n %v",
	"2026-03-14T09:26:53Z DEBUG config loaded %n=%v workers=4",
	"hey, can you tell me why this fails? I set %n to %v and still get a 401",
	"<add key=\"%n\" value=\"%v\" />",
	"<%n>%v</%n>",
	"| %n | %v |",
	"$env:%n = \"%v\"",
	"%n: '%v'   # rotated in March",
	"{\\\"%n\\\":\\\"%v\\\"}",
	"setx %n \"%v\"",
	"client = Client(%n=\"%v\", timeout=5)",
	"'%n' => env('%n', '%v'),",
	"gh secret set %n --body \"%v\"",
	"the %n is %v, please do not share it",
	"%n\n%v\n",
}

// bare are texts that do not name the value.
var bare = []string{
	"my token is %v",
	"I keep getting 403 with this key: %v - is it expired?",
	"curl -H \"Authorization: Bearer %v\" https://api.service.io/v1/me",
	"%v",
	"login --with `%v` now",
	"We rotated the old one (%v) yesterday.",
	"GET /v1/items?x=1 HTTP/1.1\nHost: api.service.io\nX-Auth: %v\n",
	"foo(\"%v\", 3)",
	"Please use this to log in:\n\n    %v\n\nThanks, Ana",
}
