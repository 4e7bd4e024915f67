// LangChain's providers for OpenAI (chat and Responses) and Anthropic.
import assert from 'node:assert/strict';
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { answer, cell, drain, env, failure, gatewayCell, marker, seen, toolAnswer, vector } from './harness.mjs';

const openai = (more) => (model) =>
  new ChatOpenAI({ model, apiKey: env.openaiKey, configuration: { baseURL: `${env.url}/v1` }, maxRetries: 0, ...more });
const kinds = {
  'langchain-chat': { make: openai(), family: 'gpt', good: 'gpt-4o-mini' },
  'langchain-responses': { make: openai({ useResponsesApi: true }), family: 'gpt', good: 'gpt-4o-mini' },
  'langchain-anthropic': {
    make: (model) => new ChatAnthropic({ model, apiKey: env.anthropicKey, anthropicApiUrl: env.url, maxRetries: 0 }),
    family: 'claude', good: 'claude-sonnet-4-5',
  },
};
const textOf = (message) => (typeof message.content === 'string' ? message.content : message.content.map((b) => b.text ?? '').join(''));
const weather = tool(({ city }) => `rain in ${city}`, { name: 'weather', description: 'the weather', schema: z.object({ city: z.string(), days: z.number() }) });

for (const [name, { make, family, good }] of Object.entries(kinds)) {
  cell(name, 'text', async (probe) => {
    const got = await make(good).invoke(probe);
    assert.equal(textOf(got), answer(probe));
    assert.equal(got.usage_metadata.input_tokens, 1);
    await seen(probe, 1);
  });

  cell(name, 'stream', async (probe) => {
    const { items, error } = await drain(make(good).stream(probe));
    assert.ifError(error);
    assert.equal(items.map(textOf).join(''), answer(probe));
    await seen(probe, 1);
  });

  cell(name, 'tools', async (probe) => {
    const model = make(good).bindTools([weather]);
    const messages = [new HumanMessage(probe)];
    const got = await model.invoke(messages);
    assert.deepEqual(got.tool_calls.map((c) => [c.name, c.args]), [['weather', { city: 'Zürich', days: 3 }]]);
    messages.push(got, new ToolMessage({ tool_call_id: got.tool_calls[0].id, content: await weather.invoke(got.tool_calls[0].args) }));
    assert.equal(textOf(await model.invoke(messages)), toolAnswer('rain in Zürich'));
    await seen(probe, 2);
  });

  cell(name, 'inband-error', async (probe) => {
    const { items, error } = await drain(make(`${family}-inband`).stream(probe));
    const text = items.map(textOf).join('');
    // LangChain does not raise response.failed, whoever sends it: there the text just ends.
    if (name !== 'langchain-responses') assert.ok(error, `the stream ended as if it were whole: ${text}`);
    assert.notEqual(text, answer(probe));
  });

  cell(name, 'provider-400', async (probe) => {
    assert.match((await failure(make(`${family}-err-400`).invoke(probe))).message, /mock: prompt is too long: 210000 tokens > 200000 maximum/);
  });

  gatewayCell(name, 'denied-422', async (probe) => {
    assert.match((await failure(make(good).invoke(`${probe} ${marker}`))).message, /this text must not leave/);
    await seen(probe, 0);
  });
}

cell('langchain-chat', 'embeddings', async (probe) => {
  const e = new OpenAIEmbeddings({ model: 'text-embedding-3-small', apiKey: env.openaiKey, configuration: { baseURL: `${env.url}/v1` }, maxRetries: 0 });
  assert.deepEqual(await e.embedDocuments(['Zürich', probe]), [vector('Zürich'), vector(probe)]);
});
