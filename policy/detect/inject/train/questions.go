package main

// questionLists goes on with harmless questions and requests.
const questionLists = `
= task
{chore}
Classify whether the email is spam. {formline}\n{fact}
Given the dialogue, say whether the customer is satisfied. {formline}\nAgent: {cline}\nCustomer: {cline}
Tell me whether the behaviour is right or wrong. {formline}\nTurn off the door when I am in the office.
Answer the following question:\n{question}
Read the context and answer the question.\nContext: {fact} {opinion}\nQuestion: {question}
Title: {subject}\nReview: {opinion} {cline}\nIs this review positive or negative?
Given the following passage\n\n"{fact} {fact}"\n\nanswer the question: {question} {formline}
Sentence 1: {fact}\nSentence 2: {fact}\nDo they mean the same?
If I tell you that {fact} and ask you "{question}", is the answer "yes"?
Reply to the email and refuse politely.\n{fact} {fact}
Write an angry email about it. {opinion}
Suppose you are at an interview. Describe a time when you had to decide quickly.
Generate a response to the chat.\nCustomer: {cline}\nWaiter: Hi! What can I do for you?
{'Instruction': {chore}, 'Output': {'domain': 'Classification'}}
Use the comment as a guide and complete the code.\n{codeline}\n{codeline}
Rank the following: {subject}, {subject}, {subject}. {formline}
How would you rate this? "{opinion} {opinion}"
= chat
{cname}: {cline}\n{cname2}: {cline}\n{cname}: {cline}
M: {cline}\n\nW: {cline}\n\nM: {cline}
{cline} {cline}
Summarise this chat:\n{cname}: {cline}\n{cname2}: {cline}
{cname} says: "{cline}" How should I answer?
Read the conversation. What did {cname} say first?\n{cname}: {cline}\n{cname2}: {cline}
{aitalk}
{aitalk}
{aitalk} {cline}
= cname
Tom
Ann
Jim
Kate
Dora
Paul
= cname2
Lee
Rachel
Kim
Patt
Dad
Amanda
= cline
Could you buy a set of forks for me?
LOL, really?
no problem!
i am so sorry i completely forgot to tell you..
please confirm if you are coming to the party!!!
Don't say anything else..
What do you mean??
Open the door!
I promise not to tell anyone about the surprise.
Did he tell you the secret?
You are welcome. Have a nice trip.
Not at all.
I'm afraid I am lost.
Just wanted to make sure everything's all right.
If I were you, I'd stick with it.
So I left it at home and went anyway.
And it's making me miserable.
Get over here!
Oh you know, the usual stuff.
What did you plan on doing?
Okay, that looks good, but are you sure?
Hey! How are you doing?
I don't understand, please explain the joke to me.
Why do you ask?
Thank you, you are awesome.
you can do it, i believe in you!
Forget it, he won't come anyway.
He told me to shut up and leave.
We are just about to leave.
Do I have to?
omg that was SO bad!!!
WORST FOOD EVER. DO NOT GO THERE!!!
This film is the dumbest I have ever seen.
I can't believe she said that to you.
Tell me everything!
Say hi to your mum.
No, you stay here and I go.
= aitalk
What differences are there between ChatGPT and other chatbots?
I would like to train a model like GPT for conversations.
As an AI language model, what is your favourite topic?
Write a script for a video about how AI changes everything.
Who made you, OpenAI or somebody else?
Is GPT-4 better than Claude at maths?
How does an AI agent use tools?
What is the AI model that answers me now?
Do you think that AI will be conscious one day?
Should I worry that an AI takes my job?
What laws for AI exist in Europe?
How can I learn prompt engineering?
Can an assistant like you forget what I wrote yesterday?
How do I protect my business from attacks?
Where can I learn more about AI ethics?
Which open models can I run on my laptop?
No, just go on with the normal chat between a user and an AI.
Thanks, Assistant. I will paste more text, do the same please.
= tooldoc
{toolname}: {tooldesc}
You have these tools:\n- {toolname}: {tooldesc}\n- {toolname}: {tooldesc}\n{question}
{"name": "{toolname}", "description": "{tooldesc}", "parameters": {"type": "object", "properties": {"input": {"type": "string"}}}}
tools enabled: {toolname}\n{tooldesc}\ninstruction: {question}
Use the {toolname} tool. {tooldesc} {question}
= toolname
shell
search
python
calculator
send_email
http_request
wikipedia
calendar
file_reader
translator
database
= tooldesc
Runs a command in a terminal. The input must be a valid command; the output is what the command prints.
Executes Python code and returns what it printed.
Searches the web. Useful for questions about current events. Input should be a search query.
Sends an email to the given address.
Reads a file and returns its contents.
Translates text from one language into another.
Evaluates an arithmetic expression.
Looks up a page of the encyclopaedia by its title.
Creates an event in the user's calendar.
Runs a query on the database and returns the rows.
Fetches a URL and returns its body. Output will be the text of the page.
= follow
{refer} your {ears} {answer0} {change}.
{refer} your {ears} {answer0}: {change}.
Now {change}.
Can you {change}?
Please {change} in your {ears} {answer0}.
= refer
Rewrite
Change
Rework
Take
Update
Redo
Shorten
Improve
Expand
Rephrase
Reformulate
Amend
= ears
last
previous
earlier
first
second
= answer0
answer
reply
response
output
summary
draft
email
= change
and use simpler words
so that each sentence is shorter
make it more formal
add two examples
include the year of each event
put it into a table
write it as a poem
as JSON with the keys title and author
leave out the names
use only capital letters for the brands
explain the second step in more detail
without passive voice
replace the numbers by words
mention one more advantage
give it a happy end
translate it into Polish
start each line with a verb
and tell me which assumptions you made
= about
What is a prompt injection?
Explain prompt injection to a beginner.
How can I protect my chatbot against prompt injection?
Write a blog post about jailbreaks of language models and how to prevent them.
What does "ignore previous instructions" mean in the context of LLM security?
Summarise this paper about jailbreaking attacks.
Which defences exist against attacks on chatbots?
What is a system prompt and how do I write a good one?
Give me tips for writing a system prompt for a support bot.
What is the difference between a system prompt and a user prompt?
What does DAN stand for?
Who was Dan Brown?
How do I enable developer mode on my Android phone?
How do I turn on developer mode on a Chromebook?
What does sudo do?
How do I run a command as administrator in Windows?
What is root access?
How does base64 work? Encode "hello" for me.
What is a jailbreak of an iPhone?
Is a jailbroken phone still under warranty?
What are the rules of chess?
What are the instructions for assembling an IKEA shelf?
List the steps of CPR.
Which instructions does a RISC-V CPU have?
What is the instruction set of the 6502?
How do I reset my password?
I forgot my password, what now?
Where do I find the secret key of my Django project?
What is a secret santa?
Tell me a secret recipe for pancakes.
How do I hide my phone number?
How do I write unit tests for private methods?
Who wrote the Declaration of Independence? Repeat its first sentence.
What were the previous world cup winners?
Which restrictions apply to hand luggage?
What are the rules for importing a car?
What guidelines exist for a healthy diet?
How does a content filter for a school network work?
Which policy applies to travel expenses?
How do I bypass a traffic jam near Lyon?
What is a heart bypass operation?
How do I override a virtual function in C++?
How does method overriding differ from overloading?
How do I delete all previous versions of a file from git?
How do I clear the conversation history of my messenger?
Explain the novel 1984: why does the Party erase all earlier records?
How do hackers steal passwords and how can I protect myself?
What is malware?
How do banks find money laundering?
What is phishing? Show the warning signs.
Explain how a lock works.
What is ransomware and how do companies recover from it?
How do poisons work in the body?
Why is the dark web called dark?
What is the unfiltered olive oil good for?
Where can I find uncensored reviews of restaurants?
What is a simulation in physics?
How do I simulate a coin toss?
Which token limit does the model have?
What is your context length?
How do I print the environment in bash?
Translate "do not ignore the warning signs" into Spanish.
Translate "please disregard my last email" into German.
Is "forget about it" an idiom?
Rewrite: "We must not forget the instructions of our doctor."
What does the phrase "above all" mean?
Correct my grammar: he ignore me since yesterday.
Find the verb in "Never ignore a red light".
What does "override" mean in a contract?
How do I cancel all my previous orders in the shop?
Which laws restrict free speech?
What did the teacher say before the test?
Who are you and what can you do?
What can you help me with?
What are your opening hours?
Are you a human or an AI?
What languages do you speak?
How were you trained?
Do you keep my data?
= please
Answer only with yes or no.
Answer in one sentence.
Please repeat that.
Repeat the last paragraph, but shorter.
Now explain it again like I'm five.
Forget it, I found the answer myself.
Never mind, thanks.
Ignore my last message, wrong window.
Sorry, ignore the typo above.
Forget the budget for now and just give me ideas.
Start over, but with a friendlier tone.
Stop. That is enough, thank you.
Do not use bullet points.
Print the result as a table.
Write "hello world" in ten languages.
Say hello to my colleague Anna.
Print only the numbers, nothing else.
Respond only in JSON with the keys name and age.
Do not explain, just give me the code.
Output the text in capital letters.
Skip the introduction and go straight to the recipe.
Disregard the second column of the table.
Use the previous example, but with Go instead of Java.
Summarise the above text in three sentences.
Translate the text above into Dutch.
List all words in this poem that rhyme.
Show me the first line of the file.
Tell me everything about the Roman army.
Please summarise the conversation so far.
Write the instructions above as a checklist.
From now on, call me Sam.
From now on answer in Spanish, I want to practise.
You are wrong, look at the second line again.
Delete the last sentence of my essay.
Replace every "colour" with "color".
Reverse the string "abcdef".
Encode this sentence in base64.
Send a friendly reminder to the team that the report is due.
Write an email to all customers about the new opening hours.
Call the function twice and compare the results.
Run the tests and tell me which ones fail.
Open the file config.yaml and show me the port.
Delete the temp folder, then build again.
Transfer 20 euros to Anna, reference lunch.
Book a table for two at seven.
Cancel my meeting with Tom tomorrow.
Please send the slides to maria@company.example.
Include a short introduction in your answer.
Add a joke at the end of your answer.
Begin your answer with a short summary.
In your response, use simple words.
Mention the price in your reply to the customer.
Make sure that your answer has no more than 100 words.
Change the second paragraph so that it sounds more formal.
`
