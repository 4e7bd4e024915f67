// OpenAI's agents, which speak the Responses API.
import assert from 'node:assert/strict';
import { Agent, OpenAIResponsesModel, Runner, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { answer, cell, env, failure, gatewayCell, marker, seen } from './harness.mjs';

const name = 'openai-agents';
setTracingDisabled(true); // it would go to OpenAI
const client = new OpenAI({ baseURL: `${env.url}/v1`, apiKey: env.openaiKey, maxRetries: 0 });
const agent = (model, more) => new Agent({ name: 'clerk', model: new OpenAIResponsesModel(client, model), ...more });
const run = (a, input, more) => new Runner({ tracingDisabled: true }).run(a, input, more);
const weather = tool({
  name: 'weather', description: 'the weather', parameters: z.object({ city: z.string(), days: z.number() }),
  execute: async ({ city, days }) => `rain in ${city} for ${days} days`,
});

cell(name, 'text', async (probe) => {
  assert.equal((await run(agent('gpt-4o-mini'), probe)).finalOutput, answer(probe));
  await seen(probe, 1);
});

cell(name, 'tools', async (probe) => {
  const got = await run(agent('gpt-4o-mini', { tools: [weather] }), probe);
  assert.equal(got.finalOutput, 'The tool said: rain in Zürich for 3 days');
  await seen(probe, 2);
});

const streamed = async (a, probe) => {
  const got = await run(a, probe, { stream: true });
  let text = '';
  for await (const event of got) {
    if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') text += event.data.delta;
  }
  await got.completed;
  return { text, final: got.finalOutput };
};
cell(name, 'tools-stream', async (probe) => {
  const want = 'The tool said: rain in Zürich for 3 days';
  assert.deepEqual(await streamed(agent('gpt-4o-mini', { tools: [weather] }), probe), { text: want, final: want });
  await seen(probe, 2);
});

cell(name, 'inband-error', async (probe) => {
  await failure(streamed(agent('gpt-inband'), probe).then(({ final }) => {
    if (!final) throw new Error('no output');
  }));
});

cell(name, 'provider-400', async (probe) => {
  assert.match((await failure(run(agent('gpt-err-400'), probe))).message, /mock: prompt is too long/);
});

gatewayCell(name, 'denied-422', async (probe) => {
  assert.match((await failure(run(agent('gpt-4o-mini'), `${probe} ${marker}`))).message, /this text must not leave/);
  await seen(probe, 0);
});

// The same agent on models of other providers.
for (const model of ['chat-good', 'claude-sonnet-4-5', 'gemini-2.5-pro']) {
  gatewayCell(name, `tools-on-${model.split('-')[0]}`, async (probe) => {
    const got = await run(agent(model, { tools: [weather] }), probe);
    assert.equal(got.finalOutput, 'The tool said: rain in Zürich for 3 days');
    await seen(probe, 2);
  });
}
