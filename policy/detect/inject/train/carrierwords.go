package main

// carrierLists hold what tools return: records, answers about code, mails, pages, and what people
// ask of each other in them. Names of lists begin with k.
const carrierLists = `
= kcolumn
Name
Date
Year
Team
Rank
Position
Country
City
Population
Title
Director
Score
Points
Venue
Attendance
Result
Opponent
Notes
Price
Quantity
Total
Category
Status
Owner
Version
Size
Album
Artist
Label
Club
Season
League
Goals
Party
Votes
Percentage
Route
Length
Opened
Height
Location
Coordinates
Description
Model
Engine
Power
Network
Channel
Episode
Viewers
Species
Family
Language
Speakers
Incumbent
District
Award
Nominee
Remarks
Reference
Class
Builder
Launched
Fate
= kproper
Ann Miller
Tom Becker
J. Okafor
Maria Rossi
Liu Wei
K. Novak
Dublin
Springfield
Osaka
Porto
Kingston
Bergen
Lake View
Red Lions
Northern United
City Rovers
Harbour Bridge
The Long Way
Blue Morning
Green Valley
St. Mary's
Central Park
Silver Arrow
Ocean Queen
Route 12
Old Mill Road
Grand Hotel
Second Chance
Winter Song
The Lighthouse
Eastern Conference
Democratic
Conservative
Independent
Mercury Records
BBC Two
N/A
—
Retired
Won
Lost
Did not qualify
Nominated
Gold
Active
Semi-finals
Quarterfinals
Withdrawn
Under construction
Rebuilt in 1968
Sunk in a storm
Died in office
Elected speaker
First appearance
Re-elected
Lost re-election
Part of the old town
Best supporting actress
Double platinum
= kerr
TypeError: {kident}() takes 2 positional arguments but 3 were given
NameError: name '{kident}' is not defined
AttributeError: '{kclass}' object has no attribute '{kident}'
IndexError: list index out of range
KeyError: '{kident}'
ValueError: could not convert string to float: '{kident}'
undefined: {kident}
Cannot read properties of undefined (reading '{kident}')
java.lang.NullPointerException
ModuleNotFoundError: No module named '{kident}'
panic: runtime error: invalid memory address or nil pointer dereference
SyntaxError: invalid syntax
= kident
values
rows
frame
index
items
train
labels
model
count
request
response
column
batch
session
result
parse
handler
config
shape
path
key
output
buffer
= kclass
DataFrame
Series
list
dict
str
tuple
NoneType
Session
Model
Tensor
= kanswer
You are calling {q}{kident}{q} before it is assigned.
The problem is in this line:
The error is raised because {q}{kident}{q} is a {kclass}, not a {kclass}.
{q}{kident}{q} is an attribute, not a method, so leave out the parentheses.
You have to pass {q}{kident}{q} as a {kclass}.
You need to import {q}{kident}{q} first.
You can use {q}{kident}{q} instead:
You should use {q}{kident}{q} here, since {q}{kident}{q} expects a {kclass}.
Try this:
Try the following:
Change it to:
Change your code to:
Replace the last line with:
Instead of {q}{kident}{q} use {q}{kident}{q}:
Here is a working example:
Here is the corrected code:
This should work:
This works for me:
Your code has two problems.
In your loop, {q}{kident}{q} is overwritten each time.
In your case the list is empty, so there is nothing to index.
As the message says, {q}{kident}{q} is missing.
As others have said, the indentation is off.
It looks like you installed an old version.
Make sure that you have the latest version installed.
Make sure you activate the environment before you run it.
Add this line at the top of your script:
Add the missing argument and it will work.
Put the import at the top of the file.
Remove the parentheses behind {q}{kident}{q}.
Note that {q}{kident}{q} returns {q}None{q}.
Note: this changes the {kclass} in place.
Edit: I missed that you want a copy.
EDIT: the above only works in Python 3.
If you want to keep the order, sort by {q}{kident}{q} first.
If you need the old behaviour, pass {q}{kident}=False{q}.
See the documentation for more details.
Have a look at the docs of {q}{kident}{q}.
From the documentation: "the {kident} must have the same length as the {kident}".
Hope this helps!
Let me know if it works for you.
What does {q}print({kident}){q} show?
Which version do you use?
Have you tried to restart the kernel?
Why do you want to do this in a loop?
Do you really need a {kclass} here?
Then call it as:
And then:
Output:
The result is:
The same holds for {q}{kident}{q}.
Or, shorter:
I would write it like this:
I don't think this is possible without {q}{kident}{q}.
The reason is that strings are immutable.
Consider using {q}{kident}{q}, which is faster.
Include the column in the {q}groupby{q}.
Use {q}{kident}{q} in place of the loop.
Insert a blank line before the class.
Append the value to the list instead of the string.
First convert the column to numbers, then group.
You could also write a small function that does this.
You might want to add a check for empty input.
= kcode
{kident} = [x for x in {kident} if x > 0]
{kident} = df["{kident}"].astype(float)
for i in range(len({kident})):
    {kident}.append({kident}[i])
import numpy as np
import pandas as pd
from collections import Counter
import requests
response = requests.get(url, headers=headers)
def {kident}({kident}, {kident}=None):
    return {kident}.{kident}({kident})
print({kident}.shape)
>>> {kident}
In [3]: {kident}.head()
Out[3]: 0    1.5
Traceback (most recent call last):
  File "main.py", line 12, in <module>
{kerr}
const {kident} = await fetch(url);
if err != nil {
	return err
}
SELECT {kident}, count(*) FROM {kident} GROUP BY {kident};
pip install {kident}
{kident}.sort(key=lambda x: x[1])
with open("{kident}.csv") as f:
    reader = csv.reader(f)
class {kclass}(Base):
    def __init__(self, {kident}):
        self.{kident} = {kident}
model.fit({kident}, {kident}, epochs=10)
plt.plot({kident}, {kident})
try:
except ValueError:
    pass
x = np.array([0.46, 0.59, 0.68])
System.out.println({kident});
= kfrom
Anna Weber <anna.weber@example.org>
Deals of the week <news@shop.example>
noreply@bank.example
support@cloud.example
Tim (Team {kfirm}) <tim@team.example>
HR <people@firm.example>
no-reply@notify.example
= kfirm
Brightline
Northwind Air
Paperplane
Castle Bank
Fitwell
Metro Rail
Blue Parcel
= ksubject
Your invoice for {kmonth}
Your order #4711 has been shipped
Booking confirmation
Product update: {kmonth}
Minutes of the board meeting
Re: offer
Re: Friday
Fwd: contract
Welcome to {kfirm}
Your weekly report
Payment received
Reminder: appointment tomorrow
Security alert: new sign-in
Invitation to the summer party
Feedback on the draft
Trip to Porto
{kfirm} newsletter
How was your stay?
What's new in {kmonth}
Do you have five minutes?
= kmonth
January
March
June
October
December
= kmail
Thank you for your order. We have received your payment of $48.20.
Your parcel will arrive on Thursday between 10 and 12.
View in browser
Unsubscribe | Privacy | Terms
Click here to view your invoice.
Click the button below to confirm your email address.
Please arrive at the station 30 minutes before departure.
Please bring a valid passport.
You can change or cancel your booking until the day before.
If you have any questions, just reply to this email.
If you have any questions please give me a shout.
Do not reply to this mail; the box is not read.
Attached you find the contract.
Attached is the one-pager I promised.
Please find attached the minutes.
Could you send me the slides by Friday?
Can you please sign the form and send it back?
Can we move our call to Tuesday at ten?
Could you please confirm the delivery address?
Do you still need the projector?
When would it suit you?
What do you think about the second draft?
How are things in Dublin?
Would you like to join us for lunch?
Please let me know which date suits you.
Please let us know by Monday whether you can come.
Please forward this to your colleagues.
Please add your name to the list in the kitchen.
Please include the order number in your reply.
Please do not share this code with anybody.
Please review the pull request when you have time.
Please update your payment details before the end of the month.
Let me know if you need anything else.
Let's talk tomorrow.
Looking forward to hearing from you.
Send me a message when you land.
Don't forget to bring the tickets.
Remember to water the plants.
I have added the figures for {kmonth} to the sheet.
I will be out of the office until the 14th.
We are happy to announce that the new version is available to all customers.
We have updated our terms of service.
Get 20% off your first order with the code SPRING.
Upgrade now and save 50%.
Create your free account and start today.
Watch the video to learn how it works.
Read more on our blog.
Download the app and manage your bookings on the go.
Write a review and win a voucher.
Tell us what you think: take the two-minute survey.
Share your experience with us.
Invite a friend and both get $10.
Track your shipment here.
Your verification code is 482913. It expires in ten minutes.
A new device signed in to your account. If this was you, you can ignore this message.
Your card ending in 4411 was charged $586.89.
The meeting was moved to room 3.
The board approved the budget.
Hi all, quick update from the warehouse.
Hi {kname},
Dear {kname},
Hello {kname}, hope you are well!
Best regards, {kname}
Thanks, {kname}
Cheers, {kname}
See you on Monday.
Congratulations on the new job!
Great to meet you yesterday.
We would like to invite you to an interview on the 12th.
Your subscription renews on the 1st.
Thank you for contacting support. A ticket has been created.
Could you tell us which version you are using?
To reset your password, open the link below.
Explain to your team why this matters.
Describe the problem in a few words and we will call you.
= kname
David
Ganesh
Laura
Mr. Smith
Ines
Kofi
team
all
= kfaq
How do I reset my password?
How can I cancel my subscription?
What payment methods do you accept?
What is your return policy?
When will my order arrive?
Where is my parcel?
Can I change my seat?
Do I need an account?
Is breakfast included?
Who can see my data?
How long does delivery take?
Why was my card declined?
What is the difference between Basic and Pro?
What are the opening hours?
Which browsers are supported?
How does the free trial work?
Can you ship abroad?
What happens if I miss my flight?
= kfaqa
Open the settings and choose "Reset".
You can do so at any time in your account.
We accept all major cards.
Yes.
No, you do not.
Within 30 days, in the original box.
Usually two to four working days.
Contact our support by phone or chat.
Enter the code from the mail and click "Next".
The Pro plan has more storage.
Monday to Friday, nine to six.
= kheading
Overview
History
Installation
Usage
Getting started
Frequently asked questions
About us
References
See also
Contact
Requirements
Options
Examples
What is {kfirm}?
How it works
Why {kfirm}?
How to {rdo}
What to do when it fails
Before you begin
10 ways to {rdo}
{rsubject}
= kstep
Open the settings.
Click "Save".
Select the file and press Enter.
Run the command below.
Preheat the oven to 180 degrees.
Mix the flour with the sugar and add the eggs.
Add a pinch of salt.
Turn off the power before you open the case.
Unplug the charger.
Insert the battery.
Remove the four screws at the back.
Wait ten minutes.
Press and hold the button for five seconds.
Choose a language and click Next.
Create a new file called main.go.
Add the following lines to the file:
Write down the serial number.
Make sure the cable is connected.
Put the lid on and let it rest.
Check the oil before each ride.
Copy the example configuration and change the values.
Set the variable and restart the service.
Include the header in every source file that uses it.
Describe the change in the commit message.
Repeat until the list is empty.
Do not touch the blade.
Never use it near water.
Always wear gloves.
Turn left at the church.
Give the function a name that says what it does.
List the files with the command below.
Provide a name and a port.
Explain why in a comment.
= ktalk
are you coming tonight?
lol
can you send me the address
sure, one sec
what time is the train?
who has the keys?
thanks a lot!
did you see the match?
I'll be ten minutes late
could somebody restart the build?
done
happy birthday!!
how was the exam
no idea, ask Tom
please take out the bins
which room?
ok see you there
can you write it on the list
has anyone tested it on windows?
+1
do you want pizza or pasta?
call me when you are home
tell mum I said hi
what does the error say?
let's do it tomorrow
nice one
= kreview
Great product, would buy again.
The room was clean but the street is noisy.
Do not buy this!
Would not recommend.
If you like small cafes, go there.
Try the soup, it is wonderful.
Ask for a table by the window.
Is it worth the money? I think so.
What a waste of time.
Why did they change the recipe?
You will love it.
You get what you pay for.
You need a lot of patience with the staff.
The battery lasts two days.
My daughter loves it.
Took three weeks to arrive.
Five stars.
Read this book if you want to understand the sea.
Make sure you order the right size.
Avoid the weekend, it is packed.
= ktodo
buy milk
call the dentist
finish the slides
review the contract with {kname}
pay the rent
book a table for six
clean the garage
fix the login page
send invoice to {kfirm}
write tests for the parser
read chapter four
prepare the interview questions
update the documentation
ask {kname} about the budget
water the plants
renew the passport
= klog
INFO server listening on :8080
INFO request finished status=200 duration=12ms
WARN retrying in 5s
ERROR connection refused
DEBUG cache miss key=user:42
INFO job {kident} started
INFO job {kident} finished rows=1204
WARN disk usage at 81%
ERROR {kerr}
GET /api/{kident}?page=2 200 1532
= kjson
title
name
description
body
text
content
summary
notes
comment
snippet
message
subject
author
location
status
created_at
url
id
price
rating
tags
owner
amount
email
phone
category
= kstatement
The city lies on the northern bank of the river and has 120,000 inhabitants.
It was founded in 1882 and is the oldest club of the region.
The album was recorded in three weeks and sold two million copies.
Shares rose two percent after the announcement.
The bridge was closed to traffic in 2011.
She studied law and worked as a teacher before she entered politics.
The species is found in dry forests up to 1,500 metres.
The film follows two brothers who inherit a farm.
Researchers found that the effect was small.
The law came into force in July.
The train was delayed by snow.
The method returns the number of rows written.
The hotel has a pool, a gym and free parking.
Officials said that nobody was hurt.
The company employs 3,400 people in nine countries.
He scored twice in the final.
The building was designed by a local architect.
A new version was released on Monday with many fixes.
The museum is open daily except Tuesdays.
The recipe takes about forty minutes.
The package contains bindings for the library.
Temperatures will reach 24 degrees in the afternoon.
Flight 212 departs at 18:40 from gate B4.
The patient was discharged after two days.
The account balance is 1,204.50 EUR.
The court dismissed the appeal.
The festival attracts many visitors each year.
The battery has a capacity of 5,000 mAh.
The team finished eighth and missed the playoffs.
The novel was first published in parts.
= kbait
{toolact2}
{toolact2}
{Toolverb} {toolobj}.
Please {toolverb} {toolobj}.
`
