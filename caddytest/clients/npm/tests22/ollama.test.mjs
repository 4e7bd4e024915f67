// Ollama's official JavaScript client.
import assert from 'node:assert/strict';
import { Ollama } from 'ollama';
import {
  answer, cell, drain, env, failure, gatewayCell, gone, marker, release, seen, toolAnswer, vector,
} from './harness.mjs';

const name = 'ollama-js';
const at = (key) => new Ollama({ host: env.url, headers: { Authorization: `Bearer ${key}` } });
const client = at(env.openaiKey);
const ask = (model, content, more) => ({ model, messages: [{ role: 'user', content }], ...more });
const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];
const textOf = (lines) => lines.map((l) => l.message?.content ?? l.response ?? '').join('');

cell(name, 'chat', async (probe) => {
  const got = await client.chat(ask('llama3.2', probe));
  assert.equal(got.message.content, answer(probe));
  assert.deepEqual([got.done, got.prompt_eval_count], [true, 1]);
  await seen(probe, 1);
});

cell(name, 'chat-stream', async (probe) => {
  const { items, error } = await drain(client.chat(ask('llama3.2', probe, { stream: true })));
  assert.ifError(error);
  assert.equal(textOf(items), answer(probe));
  assert.equal(items.at(-1).done, true);
  assert.ok(items.at(-1).eval_count > 1);
});

cell(name, 'stream-live', async (probe) => {
  let text = '';
  for await (const line of await client.chat(ask('llama-gate', probe, { stream: true }))) {
    text += line.message.content;
    if (text) await release(probe); // only now may the provider go on
  }
  assert.equal(text, answer(probe));
});

cell(name, 'cancel', async (probe) => {
  const stream = await client.chat(ask('llama-gate', probe, { stream: true }));
  await drain((async function* () {
    for await (const line of stream) {
      yield line;
      if (line.message.content) stream.abort();
    }
  })());
  await gone(probe);
});

cell(name, 'generate', async (probe) => {
  assert.equal((await client.generate({ model: 'llama3.2', prompt: probe })).response, answer(probe));
  const { items } = await drain(client.generate({ model: 'llama3.2', prompt: probe, stream: true }));
  assert.equal(textOf(items), answer(probe));
  await seen(probe, 2);
});

cell(name, 'tools', async (probe) => {
  const params = ask('llama3.2', probe, { tools });
  const got = await client.chat(params);
  assert.deepEqual(got.message.tool_calls[0].function, { name: 'weather', arguments: { city: 'Zürich', days: 3 } });
  params.messages.push(got.message, { role: 'tool', tool_name: 'weather', content: 'rain in Zürich' });
  assert.equal((await client.chat(params)).message.content, toolAnswer('rain in Zürich'));
});

cell(name, 'embed', async (probe) => {
  const got = await client.embed({ model: 'nomic-embed-text', input: ['Zürich', probe] });
  assert.deepEqual(got.embeddings, [vector('Zürich'), vector(probe)]);
});

cell(name, 'list', async () => {
  const { models } = await client.list();
  assert.ok(models.some((m) => m.name === 'llama3.2:latest'), JSON.stringify(models));
});

const broken = async (model, probe) => {
  const { items, error } = await drain(client.chat(ask(model, probe, { stream: true })));
  assert.ok(error, `the stream ended as if it were whole: ${JSON.stringify(items.at(-1))}`);
  assert.ok(textOf(items) && answer(probe).startsWith(textOf(items)), `text before the break: ${textOf(items)}`);
};
cell(name, 'cut', (probe) => broken('llama-cut', probe));
cell(name, 'inband-error', (probe) => broken('llama-inband', probe));
gatewayCell(name, 'quiet-end', (probe) => broken('llama-eof', probe));

const fails = async (c, params, status, message) => {
  for (const stream of [false, true]) {
    const err = await failure(c.chat({ ...params, stream }));
    assert.equal(err.status_code, status, `${err}`);
    assert.match(err.message, message);
  }
};
cell(name, 'provider-400', (probe) => fails(client, ask('llama-err-400', probe), 400, /^mock: prompt is too long/));
cell(name, 'provider-500', (probe) => fails(client, ask('llama-err-500', probe), 500, /^mock: the server exploded/));
gatewayCell(name, 'denied-401', async (probe) => {
  await fails(at('not-a-key-of-this-gateway'), ask('llama3.2', probe), 401, /key/);
  await seen(probe, 0);
});
gatewayCell(name, 'denied-404', (probe) => fails(client, ask('nobody-has-this', probe), 404, /nobody-has-this/));
gatewayCell(name, 'denied-422', async (probe) => {
  await fails(client, ask('llama3.2', `${probe} ${marker}`), 422, /this text must not leave/);
  await seen(probe, 0);
});
