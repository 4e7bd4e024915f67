package main

// technicalLists hold what fills documents that are no prompts: code, logs,
// settings, change lists, manuals. They use the words of attacks as trades do:
// system, root, access, mode, token, test, ignore, override.
const technicalLists = `
= ident
user
context
token
session
handler
request
config
policy
root
access
message
buffer
reader
client
server
mode
index
state
limit
role
admin
test
input
output
= Ident
User
Context
Token
Session
Request
Config
Policy
Root
Access
Message
Mode
Limit
Role
Admin
Test
Dev
= cverb
get
set
load
parse
delete
send
skip
restore
disable
= Cverb
Get
Set
Load
Parse
Delete
Send
Skip
Disable
Enable
= codeline
func (s *{Ident}) {Cverb}{Ident}(ctx context.Context) error {
	if err := {cverb}{Ident}({ident}); err != nil {
		return fmt.Errorf("{cverb} {ident}: %w", err)
	return {ident}.{Ident}()
// {Cverb}{Ident} {cverb}s the {ident} of the {ident}.
// {Ident} is the {ident} that the {ident} was made for.
	{ident} := new{Ident}({ident}, nil)
	for i, {ident} := range {ident}s {
	t.Errorf("{cverb} {ident}: got %v, want %v", got, want)
	{Ident}{Ident} = 0x1f
	{Ident}{Ident}   // {cverb} only
#define {Ident}_{Ident} 42
#include <sys/{ident}.h>
#include "{ident}.h"
import {ident}
from {ident} import {Ident}
def {cverb}_{ident}(self, {ident}=None):
    """{Cverb} the {ident} and return the {ident}."""
    self.{ident} = {ident}
    raise ValueError("{ident} must not be empty")
const {ident} = await {cverb}{Ident}({ident});
export class {Ident}{Ident} extends {Ident} {
  @Override
  public void {cverb}{Ident}(String {ident}) {
let {ident} = document.getElementById("{ident}");
SELECT {ident}, {ident} FROM {ident}s WHERE {ident}_id = 5 ORDER BY {ident};
DELETE FROM {ident}s WHERE created < '2024-01-01';
GRANT SELECT ON {ident}s TO {ident};
if (!{ident}) return; // nothing to {cverb}
static const struct {ident} {ident}s[] = {
{"{ident}", {Ident}{Ident}, false},
assert {cverb}_{ident}("{ident}") == "{ident}"
type {Ident}{Ident} struct {
	{Ident} string
x = {cverb}({ident}, {ident}) # {techdoc}
// {techdoc}
/* {techdoc} */
go get example.com/{ident}/{ident}@v1.4.2
npm install --save-dev {ident}-{ident}
pip install {ident}
sudo apt-get install {ident}-{ident}
docker run --rm -e {Ident}_MODE=dev {ident}:latest
curl -X POST https://api.example.com/v1/{ident}s
<div class="{ident}-{ident}"><a href="/{ident}">{Ident}</a></div>
.{ident} { display: none; }
machine example.com login {ident} password pwd
case "{ident}": return {Ident}{Ident}
"{ident}": {"type": "string", "description": "{techdoc}"},
print("expected {ident}, got", {ident})
- [x] {Cverb} {ident}
go test -run Test{Cverb}{Ident} ./...
//go:build linux || freebsd || netbsd
$ {ident} --{cverb}-{ident} --mode=test
if strings.HasPrefix(line, "#") { continue } // ignore comments
	ignoreErrors: true,
var ErrIgnored = errors.New("ignored")
func (b *Base) Override(v Value) Value { return v }
.ignore-rule { display: none }
print(system.name)
print(prompt)
print("Hello, world!")
self.instructions.append(instruction)
reset(state); // forget the last state
input("Enter your name: ")
override fun toString(): String = name
System.out.println("done");
import os, sys
PROMPT = "Summarise the text below:"
rules = load("rules.yaml")
SYSTEM_PROMPT = os.environ["SYSTEM_PROMPT"]
= confline
{ident}: true
{ident}_{ident}: 30s
{ident} = "{ident}"
[{ident}]
{Ident}{Ident} no
  - name: {ident}
export {Ident}_TOKEN=changeme
{cverb}_{ident} off;
# {techdoc}
<{ident} enabled="false"/>
127.0.0.1 {ident}.example.com
macdef {ident}
= logline
2026-03-04T10:22:31Z INFO {ident} started mode={ident} id=42
2026-03-04 10:22:32,113 WARN [{ident}] {cverb} {ident} failed, retry in 5s
Mar  4 10:22:33 host {ident}[411]: {techdoc}
[ERROR] {ident}: access denied for user "{ident}"
level=debug msg="{cverb} {ident}" {ident}=1024
GET /{ident}/{ident} HTTP/1.1 200 512
=== RUN   Test{Cverb}{Ident}
--- PASS: Test{Cverb}{Ident} (0.00s)
panic: {ident} is nil
	at com.example.{ident}.{Ident}.{cverb}({Ident}.java:42)
230-Anonymous access granted, restrictions apply
550 permission denied
Traceback (most recent call last):
  File "/usr/lib/{ident}.py", line 42, in {cverb}_{ident}
warning: ignoring unknown option --{ident}
= change
* **{ident}:** {cverb} {ident} on {ident} ([20f762c](https://example.com/commit/20f762c528726a3f038d3e1f37e8a4952118badf))
- Add {ident} support to the {Ident} API
- Fix {ident} leak when the {ident} is closed
- Remove deprecated {Cverb}{Ident}
## [1.5.0](https://example.com/compare/v1.4.0...v1.5.0) (2026-02-11)
### Bug Fixes
### Features
Bump {ident} from 1.2.0 to 1.3.1
- {techdoc} (#4711)
= techdoc
The system user needs read access to the folder.
Developer mode can be enabled in the settings of the phone.
Ignore the warning if the file does not exist yet.
To override the default, pass the option on the command line.
The previous behaviour can be restored with a flag.
Follow the instructions above to install the package.
See the instructions in the README of the project.
If you do not have it on your system, please follow the installation directions below and then the instructions above.
Enter this command within the terminal.
This issue template is for feature requests. If you are reporting a bug, use the other template.
Do not edit this file by hand.
You must not use this file except in compliance with the licence.
The server responds with the message and closes the connection.
Tests run in debug mode; the release build has no checks.
Access is granted to members of the admin group.
A token is valid for one hour and can be revoked at any time.
The prompt shows the current branch.
Set the environment variable to enable logging.
The function returns an error when the input is empty.
Unrestricted access to the port is a risk; bind it to localhost.
All rights reserved. Permission is hereby granted, free of charge, to any person obtaining a copy.
THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND.
Redistributions in binary form must reproduce the above copyright notice.
It is safe to delete the cache folder.
You can now run the program as root or as another user.
From now on, the old format is no longer supported.
The new rules replace the rules of the previous section.
Use the --force flag to skip all checks.
Repeat the steps above for each node.
Print the contents of the file to standard output.
The model is loaded once and shared by all requests.
System messages set the behaviour of the assistant.
Send a system message, then a user message, and read the answer of the assistant.
The assistant may call a tool; return its result in the next message.
client.messages.create(model="m", system="You are a concise assistant.", max_tokens=1024)
messages=[{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "Hello"}]
<|im_start|>user marks the begin of a message in this format.
Chat templates wrap each turn in [INST] and [/INST].
This disables the strict mode while f runs.
Calling it without the flag is a no-op.
The kernel ignores the argument.
The rule applies to all previous versions.
An empty password is not allowed.
Write tests before you change the code.
Instead of the old name, use the new one.
Sudo asks for the password of the user.
To reset the admin password, stop the server and start it in maintenance mode.
Before you begin, make sure that the device is unlocked.
Never commit secrets to the repository.
The debugger stops at the first instruction.
Each instruction is decoded and executed in one cycle.
It forgets all state when the process ends.
Discard all local changes with git checkout.
The policy was changed by the administrator.
A user can list, read and delete their own messages.
The simulation runs without limits on time.
Role-based access control lets you define what users can do.
The hidden field is not sent to the client.
Note that this is an internal interface and may change.
Important: back up the database before you upgrade.
WARNING: this deletes all data.
The command prints the secret key once; store it safely.
Emergency mode gives you a root shell.
For testing purposes you can use the sandbox.
Experimental features must be enabled explicitly.
Users who break the rules are banned.
The filter drops packets that match no rule.
Copyright (C) 2007 Wim Larsen <w.larsen@gmail.com>
2004-2008, Ann Kerr <ann.kerr@gmail.com>\n2009, Jo Fan <jofan@gmail.com>\n2011, Jo Fan <jofan@gmail.com>
License: GPL-2+\n This manual page was written by Jo Fan <jofan@debian.example>.
To enable it for all users of the system, run: systemctl --user --global enable agent.socket
If you delete this exception, delete it from all versions of the file.
For documentation-only changes please delete everything below this line.
All AI usage in any form must be disclosed. You must state the tool you used.
Align only the go directives; do not change module, require or replace.
Use PreviousResponseID to continue the conversation.
It is deprecated and silently ignored. Instead use the new function.
Security is a top priority for us. Please disclose issues responsibly.
SystemRoots, systemRootsPool, systemRootsMu, initSystemRoots
tests/system-override-hash.c tests/system-override-sig.c tests/resume.c
= prose
The committee met twice and discussed the budget in detail. Members asked for more figures on transport.
He was born in a small village in the north and moved to the capital when he was ten.
She opened the letter, read it twice and put it back into the drawer without a word.
The river rises in the mountains, flows through three lakes and reaches the sea near the old port.
According to the report, exports fell by two percent while imports remained stable.
The defendant claims that the contract was never signed. The court rejected the appeal.
The album reached number four and was followed by a tour of thirty cities.
In the second half the home team pressed harder and scored twice from corners.
Patients were randomly assigned to one of two groups and followed for a year.
The recipe needs two eggs, a cup of sugar and the juice of a lemon.
"I never told you to come," she said. "You came because you wanted to."
The king ordered his men to burn the bridge, but they refused to obey.
"Forget what I said," he muttered, "and tell me what really happened."
The school changed its rules on phones after parents had complained.
The tenant shall pay the rent in advance on the first day of each month.
Either party may terminate this agreement by giving notice in writing.
Notwithstanding anything above, the liability of the supplier is limited.
Travellers should ignore touts at the station and walk straight to the taxi rank.
The play tells of a spy who must pretend to be a priest.
Voters will decide next week whether the mayor stays in office.
The engine was redesigned in 1962 and produced until the end of the decade.
The species lives in dry forests and feeds on insects and small fruit.
Doctors warn that the drug must not be taken with alcohol.
The film is about a hacker who breaks into a bank and regrets it.
You will need a screwdriver, four screws and about an hour of time.
First remove the cover, then pull out the filter and rinse it under water.
Your guarantee does not cover damage caused by improper use.
`
