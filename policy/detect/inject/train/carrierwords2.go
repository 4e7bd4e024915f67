package main

// carrierLists2 hold more of what tools return: forms, changes, manuals, licences, schemas.
const carrierLists2 = `
= kform
What did you do?
What did you expect to happen?
What happened instead?
Which version do you use?
Which operating system are you on?
What would you like to have changed?
What problem does this solve for you?
What have you tried so far?
How can we reproduce it?
Describe the bug
Describe the feature
Describe your setup.
A clear description of what is wrong.
A short description of the problem.
Explain why it is useful.
Please describe the steps that lead to the error.
Please answer these questions before you submit the issue:
Please fill in the form below.
Please read the guide before you open a pull request.
Please search for existing issues first.
Add any other context here.
Add screenshots if you have some.
Include the output of the command.
Include a test that fails without your change.
Provide a minimal example.
Provide the log file.
Tell us about your environment.
Replace this text with your description.
Write in English if you can.
Write a clear title.
Keep it short and use full sentences.
List the steps one by one.
Steps to reproduce
Expected behaviour
Additional context
Name
Label: bug
Give your name and address.
State the reason for your visit.
Explain your answer.
Do you agree to our terms?
How did you hear about us?
How satisfied are you with our service?
Would you recommend us?
= kchange
Add a test for the empty list
Add support for the new format
Fix a crash when the file is missing
Fix the spelling of a word in the manual
Rewrite the parser
Rename the flag and keep the old one
Remove unused code
Drop support for old versions
Update dependencies
Use the faster function in the loop
Make the build reproducible
Improve the error message
Replace the list with a map
Move the helper into its own file
Do not print the value twice
Translate the manual into French
Include the header
Convert the tests to tables
Mention the option in the manual
Simplify the code
Explain the option in the README
Write the index after the data
Revert the last change
Merge branch "main"
Bump version to 2.4.1
Handle blanks in names
Show the help when no argument is given
Avoid a copy
Improve the translation into German
Print numbers without a sign
Reverse the order of the output
Ignore comments at the end of a line
= khelp
Print a help message and exit.
Write the output to the file FILE instead of the standard output.
Do not follow links.
Include hidden files.
List the names of the files only.
Use LENGTH as the width of a line.
Show all values, also those that are empty.
Output in the format of version 1.
Translate the characters of SET1 into those of SET2.
Replace each tab with blanks.
Ignore case.
Ignore blanks at the end of lines.
Reverse the order.
Print each line twice.
Convert letters to lower case.
Explain what is being done.
Set the level of detail.
Wait for N seconds before the first try.
Read the names from standard input.
Add the prefix to each line.
Compare the files byte by byte.
Encode the data in base64.
Summarize the use of the disk.
Return the number of matches.
Create the folder if it does not exist.
Describe the object.
Provide the name of the user.
Generate a key and write it to the file.
= klicence
You may use this program for whatever you want.
You may not say that you wrote it.
You must keep this notice in all copies.
You should have received a copy of the licence along with this program; if not, write to the address below.
You do not have to pay us.
The software is provided as it is, without any warranty.
If you change the files, you must say so.
Redistribution is allowed if the conditions below are met.
The names of the authors must not be used to advertise products.
In no event shall the holders be liable for any damage.
Copies must include the text of this licence.
All advertising material must mention the university.
All rights reserved.
= kspec
The server MUST NOT send a body with this status.
A client SHOULD retry after the time that is given.
The field is required and must be a string.
The value must be one of "read" and "write".
Text in quotes is repeated as it is.
The response contains the list of items.
Describes the state of the object.
Returns a description of the user.
Specifies how the text is shown.
A name that tells what it is for.
Users can change the language in their profile.
You can set this to true to get more detail.
If you leave it empty, the default is used.
For example, you can write your own handler.
Your application should handle this error.
Use this field to give a reason.
See the example below.
In the example above, the second argument is a function.
The following example shows how to connect to a server.
The following command prints the version.
In this tutorial you will build a small web server.
In the next section we look at errors.
Let's start with a simple example.
You will learn how to write a plugin.
Now open your browser and go to the address.
Your output should look like this:
Your code should now compile.
Try to change the colour and run it again.
Congratulations, you have built your first app!
What is a pointer?
What is the difference between a list and an array?
Why use a queue?
How does it work?
When should I use it?
Can I use it with other tools?
= kpun
Trivia night: Who painted the ceiling?
Quiz of the week
Word of the day
Poem of the month
Question of the day
Ask the expert: how much sleep do we need?
Opinion: why we should all walk more
Recipe: bread without kneading
Explained: how the vote works
Essay contest for students
Course: Spanish for beginners
Workshop: write your first novel
Lesson 3: fractions
Chapter 2: The causes of the war
Exercise 4: solve the equations.
Book review: a history of the sea
`
