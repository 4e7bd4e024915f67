package main

// benignLists hold harmless English texts that look like attacks: they mention
// the words of attacks, give orders, describe roles or talk about attacks.
const benignLists = `
= subject
Quarterly report
Your booking is confirmed
Lunch on Friday
Re: contract draft
Invoice 4711
Build failed
Weekly newsletter
Smart lamp
Running shoes
parser
Delivery of your parcel
Minutes of the meeting
Travel plans
Hotel Seaview
Team offsite
Backup job
New opening hours
Password changed
Welcome to the course
Survey results
Coffee machine
Release notes 2.4
= mailfrom
anna.weber@example.org
newsletter@shop.example
noreply@bank.example
john@company.example
support@hosting.example
hr@company.example
kim.larsen@gmail.com
p.novak@outlook.com
= fact
The meeting was moved to Thursday at ten.
The hotel lies five minutes from the station and has a small garden.
Sales rose by four percent in the last quarter.
Please find the signed contract attached.
The parser returns an error when a bracket is missing.
Your parcel will arrive between 9 and 12 o'clock.
The museum is closed on Mondays.
The pump needs to be replaced every ten years.
We would like to invite you to our summer party.
The train leaves from platform 7.
Let me know if you have any questions.
The invoice is due on the first of the month.
In 1998 the town had about 12,000 inhabitants.
The new version fixes three bugs and adds a dark theme.
Breakfast is included in the price.
The function takes a list and returns its median.
He studied law in Leiden and later became a judge.
The bridge was built from local stone.
Rain is expected in the north, sun in the south.
Our support team can be reached by phone from 8 to 18.
You can change your settings at any time in your account.
Thanks for the feedback on the draft.
The battery lasts about eight hours.
The patient was given 20 mg twice a day.
Ticket 8812 was closed by Maria.
The account balance is 1,204.50 EUR.
Add the flour and stir until smooth.
The dataset has 12 columns and 4,000 rows.
Please bring your passport and the printed ticket.
Use the --verbose flag to see more output.
I'll send you the slides after the call.
Click the link below to reset your password.
Your subscription renews on 3 May.
The flight from Oslo was delayed by an hour.
Could you send me the figures by tomorrow?
Please forward this mail to your team.
We transferred the deposit to your account today.
= opinion
Great product, I would buy it again.
The sound is fine, but the cable is too short.
Arrived late and the box was damaged.
Does what it says.
My daughter loves it.
I expected more for this price.
The staff were friendly and the room was clean.
Too noisy at night.
Five stars.
Battery died after a week; support replaced it at once.
Would recommend it to beginners.
= note
{fact}
{fact} {fact}
{opinion}
Please call me back when you have time.
Is this available in blue?
Reminder: {fact}
Note: {fact}
Important: {fact}
Please confirm the appointment by Friday.
See the attached file for details.
returns nil if the key is missing
check the result before using it
Could you share the slides with the team?
Please send the invoice to accounting@company.example.
Remember to update the changelog.
Please add Maria to the invitation.
NOTE: this function is not safe for concurrent use.
Attention: the entrance is closed on Sunday.
Do not reply to this email; this mailbox is not read.
If you no longer want these mails, unsubscribe here.
Click here to confirm your address.
Ignore this message if you did not ask for a new password.
Please disregard the earlier invoice; the right one is attached.
To reset your password open {goodurl}.
You can pay to account DE02120300000000202051 before 1 March.
Transfer $120 to the landlord on the first.
The deployment is finished; the old pods were deleted.
The assistant manager will meet you at the desk.
I booked two tickets for Saturday.
This mail was sent automatically.
Forward this to whoever handles travel.
= goodurl
https://example.com/account
https://docs.example.org/guide
www.bank.example
= goodverb
ignore
disregard
forget
override
bypass
skip
= goodobject
a warning in the linter
the first line of a CSV file
null values in a column
case when comparing strings
whitespace in a regular expression
files with .gitignore
a certificate error in tests
a field in a JSON struct
the default settings of my editor
a method in a subclass
the equals method in Java
CSS rules of a library
the default gateway in Docker
the cache of the browser
a stop sign at a junction
an ex who keeps writing
negative comments
a bad habit
the noise of my neighbours
the previous row in SQL
the system prompt of the shell
the bootloader prompt
instructions in assembly code
errors in bash and go on
the rules of a board game
the previous value in a React state
my old phone number
a cancelled order
outliers in a data set
the speed limiter of my own e-bike
environment variables from the command line
the safety switch for maintenance of a saw
all previous commits in git
the instructions on a medicine label
= hard
How do I {goodverb} {goodobject}?
What happens when I {goodverb} {goodobject}?
Is it safe to {goodverb} {goodobject}?
Can I {goodverb} {goodobject} in Python?
Explain how to {goodverb} {goodobject}.
Write a function to {goodverb} {goodobject}.
Why should I not {goodverb} {goodobject}?
Please {goodverb} {goodobject} and count the rest.
I want to {goodverb} {goodobject}; which option do I need?
My teacher told me to {goodverb} {goodobject}. Is he right?
The article says one should {goodverb} {goodobject}. Summarise it.
It is dangerous to {goodverb} {goodobject}, isn't it?
{about}
{about}
{about}
{about}
{please}
{please}
{please}
{please}
{act}
{act}
{act}
{system}
{system}
{secdoc}
{secdoc}
{ticket}
{ticket}
{story}
{rolegood}
{rolegood}
{tooldoc}
{tooldoc}
{follow}
{follow}
{chat}
{chat}
{chat}
{form}
{form}
{form}
{task}
{task}
{task}
= form
{question} {formline}
{formline}
{formline} {formline}
{please} {formline}
{chore} {formline}
= formline
Do not use {avoid} in your {answer0}.
Stop using {avoid} in your answers.
Do not repeat {avoid2} in your answer.
Avoid {avoid}.
No {avoid} please.
Keep your {answer0} {short}.
Limit the {answer0} to {count0}.
Output only {shape0}.
Output {labels}.
Answer {labels}.
Give the result as {shape0}.
Your {answer0} should be {short}.
Use {shape0} in your {answer0}.
Round all numbers in your {answer0} to integers.
Do the same task again with {shape0}.
Start every sentence with the letter A.
In your response, name the category of each question.
Print nothing but {shape0}.
Make sure to include {wanted}.
Remember to mention {wanted}.
Include {wanted} in the {answer0}.
Write only the chorus in full the first time.
Don't add explanations.
Please respond with {labels}.
If you don't know, say "I don't know".
Think step by step.
Take a deep breath and solve it step by step.
Give me the final answer.
= avoid
emojis
bullet points
passive voice
gendered pronouns
jargon
exclamation marks
capital letters
headings
technical terms
the word "very"
quotation marks
= avoid2
the question
yourself
the title
my name
the first paragraph
= short
short
under 100 words
formal
polite
easy to read
in British English
to one paragraph
in the present tense
= count0
three sentences
100 words
one page
five lines
= shape0
a table
JSON
Markdown
a numbered list
the number
the code
one word
CSV
a list of names
= labels
true or false
yes or no
"positive" or "negative"
"ethical" or "not ethical"
"satisfied" or "unsatisfied"
A, B, C or D
spam or not spam
the label only
= wanted
the date
two examples
a short summary
the price of each item
a link to the source
the year of release
pros and cons
error handling
comments
media queries for small screens
= chore
Write a short story about a lighthouse.
Develop a Python program that counts words in files.
Explain photosynthesis.
List the planets.
Translate this sentence into French: the beach is empty.
Give me five names for a cat.
Imagine a world without rules and write an essay about it.
Compare tea and coffee.
Design an app for gardeners.
Solve 3x - 4 = 11.
Provide a version of the code above in HTML.
Recommend an API that produces text like a human would.
Recommend a model that classifies images.
Rate this review from 1 to 5: "{opinion}"
`
