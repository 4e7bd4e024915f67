package main

import "math/rand/v2"

// lateLists hold harmless texts about language models: their configuration, code
// that calls them, manuals, questions. They were added when the manual of this
// gateway was flagged. The models of the folds do not learn them, so that the figures
// and the calibration are what they were without; the model that is shipped does.
const lateLists = `
= provider
openai
anthropic
claude
gemini
google
mistral
ollama
azure
groq
deepseek
cohere
bedrock
openrouter
vllm
local
= model
gpt-4o
gpt-4o-mini
gpt-4.1
gpt-5
gpt-3.5-turbo
o3-mini
claude-3-opus
claude-sonnet-4-5
claude-haiku
gemini-2.0-flash
gemini-pro
llama3.1:8b
mistral-large
deepseek-chat
qwen2.5
text-embedding-3-small
= company
OpenAI
Anthropic
Google
Mistral
Meta
Microsoft
ChatGPT
Claude
Gemini
Copilot
LangChain
= plainsys
You are a helpful assistant.
You are a concise assistant that answers in one sentence.
You are a customer service agent of a shop.
You translate English into German.
Answer in JSON.
You are a careful code reviewer.
You summarise meeting notes.
= plainuser
Hello!
What is the weather in Paris?
Summarise this text.
Write a haiku about autumn.
Explain recursion.
{question}
= env
OPENAI_API_KEY
ANTHROPIC_API_KEY
GEMINI_API_KEY
WEB_APP_KEY
LLM_BASE_URL
= number
3
17
128
4096
0.7
= aitext
{provider} {\n\tapi_key {env.{env}}\n\tbase_url http://127.0.0.1:8081/v1\n}\nllm_upstream {\n\tmodel {model} {provider}\n\tmodel {model} {provider}\n\tmodel * {provider}\n}
provider {provider} {\n\tapi_key {env.{env}}\n}\nprovider {provider} {\n\tapi_key {env.{env}}\n}
providers:\n  - name: {provider}\n    model: {model}\n    temperature: {number}\n  - name: {provider}\n    model: {model}\n    max_tokens: {number}
models:\n  {model}: {provider}\n  {model}: {provider}\nfallback: {model}
{"model": "{model}", "messages": [{"role": "system", "content": "{plainsys}"}, {"role": "user", "content": "{plainuser}"}], "stream": true}
{"model":"{model}","max_tokens":{number},"system":"{plainsys}","messages":[{"role":"user","content":"{plainuser}"}]}
{"id":"chatcmpl-{number}","object":"chat.completion","model":"{model}","choices":[{"index":0,"message":{"role":"assistant","content":"{fact}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":{number},"completion_tokens":{number}}}
from openai import OpenAI\nclient = OpenAI(api_key=os.environ["{env}"])\nresponse = client.chat.completions.create(\n    model="{model}",\n    messages=[{"role": "system", "content": "{plainsys}"}, {"role": "user", "content": "{plainuser}"}],\n)\nprint(response.choices[0].message.content)
import anthropic\nclient = anthropic.Anthropic()\nmessage = client.messages.create(model="{model}", max_tokens={number}, messages=[{"role": "user", "content": "{plainuser}"}])
const llm = new ChatOpenAI({ model: "{model}", apiKey, configuration: { baseURL: "https://llm.example.com/v1" } });\nconst answer = await llm.invoke("{plainuser}");
llm := openai.NewClient(option.WithBaseURL(url), option.WithAPIKey(key))\nres, err := llm.Chat.Completions.New(ctx, params)
curl https://api.{provider}.com/v1/chat/completions -H "Authorization: Bearer ${env}" -d '{"model": "{model}", "messages": [{"role": "user", "content": "{plainuser}"}]}'
export {env}=...\n./gateway run --model {model} --provider {provider}
docker run -e {env} -p 8080:8080 llm-proxy --upstream {provider}
| model | provider | input | output |\n|---|---|---|---|\n| {model} | {company} | {number} | {number} |\n| {model} | {company} | {number} | {number} |
| client | dialects | tested with |\n|---|---|---|\n| {company} SDK | chat, responses, messages | streams, tools, errors |\n| {company} | chat, embeddings | text, tool loop, refusal |
| {company} | chat, Responses, Messages | a key or a base URL |
# {company} provider\n\n{aidoc} {aidoc}\n\n## Options\n\n- model: {model}\n- api_key: {env}\n\n{aidoc}
## {company}\n\n{aidoc}\n\n{aidoc} {aidoc}
{aidoc} {aidoc} {aidoc}
{aidoc}\n\n{aidoc}\n{aidoc}
- {aidoc}\n- {aidoc}\n- {aidoc}
{aiq}
{aiq}
{aiq} {aidoc}
ERROR {provider}: 429 Too Many Requests for {model}, retry after {number} s\nINFO {provider}: using {model} instead
Fixed: streams of {model} ended without the last event. Added: {company} as a provider. Changed: the default model is {model}.
Issue: {model} returns an empty message when tools are given. Steps: call the API of {company} with stream set to true and {number} tools.
= aidoc
The system prompt is sent as the first message of the conversation.
Requests in the dialect of {company} are translated into that of {company}.
Clients may speak any of its dialects.
The model named by the client is looked up in the table of models.
Set {env} in the environment before you start the server.
Answers are streamed as server-sent events, one event for each piece of text.
The assistant's message holds the text and the calls of tools.
Without a system message the model answers as it was trained.
Tool definitions are passed on to the model as they are.
Prompt tokens and completion tokens are counted separately.
A rule may refuse a prompt, mask parts of it, or only flag it.
Rules see the prompt of the user, the system prompt and the results of tools.
Prompt injection is an attack in which a text that the model reads holds orders of a stranger.
Jailbreaks are prompts that try to make a model say what its makers forbid.
The guardrail model classifies each prompt as safe or unsafe.
Keys of {company} are kept by the gateway; clients have keys of their own.
{model} is an alias: what it stands for can change without a change in the clients.
When {company} is down, calls go to {company} instead.
The context window of {model} has {number} thousand tokens.
Temperature {number} makes the answers more varied.
The chat template of the model puts special tokens around each message.
Fine-tuning {model} takes a file of conversations, each with a system, a user and an assistant message.
Agents call the model in a loop until it asks for no more tools.
Embeddings of {model} have 1,536 dimensions.
The admin may override the model that a client names.
Developers are told which instructions are part of the request and which are not.
Messages with the role developer are treated like those with the role system.
Messages before the last summary are left out of the context.
Ignored fields are listed in the log.
The instructions of the Responses API take the place of the system prompt.
This page is for operators who run the gateway in front of {company}.
The policy applies to {company} and {company} alike.
The first two models are aliases: what they stand for may change.
The manual of {company} says how to get a key.
= aiq
How do I stream the answer of {model} with the Python SDK?
What is the difference between {company} and {company}?
Which model is cheaper, {model} or {model}?
Why does {company} return 401 although the key is right?
How can I count the tokens of a prompt for {model}?
Can I use {company} with LangChain?
How do I set the system prompt in the API of {company}?
What does the temperature of a language model do?
How do chatbots like {company} remember what was said before?
Write a Python script that sends a prompt to {company} and prints the answer.
Write a system prompt for a chatbot that helps customers of a bookshop.
Write a test that checks that the assistant answers in JSON.
Explain how function calling works in {model}.
Explain what a prompt injection is and how to defend against it.
Is it safe to send customer data to {company}?
How was ChatGPT trained?
Who made {company}?
Compare the answers of {model} and {model} to this question.
Help me write a prompt that makes {model} summarise legal texts.
My prompt for {company} is too long; how can I shorten it?
`

// nLate is how many of them the shipped model learns.
const nLate = 9000

// lateTexts returns the harmless texts about language models.
func lateTexts(seed uint64, part int) []row {
	s := &speaker{lex: lists(), rnd: rand.New(rand.NewPCG(seed, 11)), nested: true}
	// Names here may mean something else in the other lists.
	late := make(lexicon)
	late.add(lateLists)
	for name, list := range late {
		s.lex[name] = list
	}
	out := make([]row, 0, nLate/part)
	for range nLate / part {
		out = append(out, row{Text: s.shape(s.say("aitext")), Label: 0, Source: "grammar", Kind: "late"})
	}
	return out
}
