// The official clients of OpenAI and Anthropic with models of the other's
// provider, and of others: everything is translated on the way. There is nothing
// like it without a gateway.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import {
  answer, drain, env, failure, gatewayCell, pixel, seen, structured, toolArguments,
} from './harness.mjs';

const openai = new OpenAI({ baseURL: `${env.url}/v1`, apiKey: env.openaiKey, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: env.url, apiKey: env.anthropicKey, authToken: null, maxRetries: 0 });

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const names = ['weather', 'forecast'];

// What each provider calls a picture's bytes and a schema; the models of the mock
// that are reached there.
const upstreams = {
  chat: { path: '/v1/chat/completions', image: `data:image/png;base64,${pixel}` },
  responses: { path: '/v1/responses', image: `data:image/png;base64,${pixel}` },
  messages: { path: '/v1/messages', image: `"data":"${pixel}"`, model: 'claude' },
  gemini: { image: `"data":"${pixel}"` },
};
const modelOf = (upstream, mood) => `${upstreams[upstream].model ?? upstream}-${mood}`;

// Each client: how it asks, what of an answer is its text, its calls, its tokens.
const clients = {
  chat: {
    not: ['chat'],
    ask: (model, content, more) => openai.chat.completions.create({ model, messages: [{ role: 'user', content }], ...more }),
    system: (model, system, content) =>
      openai.chat.completions.create({ model, messages: [{ role: 'system', content: system }, { role: 'user', content }] }),
    streamed: { stream_options: { include_usage: true } },
    image: (text) => [{ type: 'text', text }, { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } }],
    schema: { response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema: city } } },
    tools: { tools: names.map((name) => ({ type: 'function', function: { name, parameters: city } })) },
    text: (a) => a.choices[0].message.content,
    whole: (a) => a.choices[0].finish_reason === 'stop',
    usage: (a) => [a.usage.prompt_tokens, a.usage.completion_tokens],
    calls: (a) => {
      assert.equal(a.choices[0].finish_reason, 'tool_calls');
      return a.choices[0].message.tool_calls.map((c) => ({ id: c.id, name: c.function.name, json: c.function.arguments }));
    },
    back: (model, content, a, calls, results) =>
      openai.chat.completions.create({
        model,
        messages: [
          { role: 'user', content }, a.choices[0].message,
          ...calls.map((c, i) => ({ role: 'tool', tool_call_id: c.id, content: results[i] })),
        ],
        ...clients.chat.tools,
      }),
    pieces: (chunks) => chunks.map((c) => c.choices[0]?.delta.content ?? '').join(''),
    streamUsage: (chunks) => [chunks.at(-1).usage.prompt_tokens, chunks.at(-1).usage.completion_tokens],
    streamCalls: (chunks) => {
      const calls = [];
      for (const chunk of chunks) {
        for (const d of chunk.choices[0]?.delta.tool_calls ?? []) {
          calls[d.index] ??= { name: d.function.name, json: '' };
          calls[d.index].json += d.function.arguments ?? '';
        }
      }
      return calls;
    },
    errors: OpenAI,
    message: (err) => err.error?.message ?? err.message,
  },
  responses: {
    not: ['responses'],
    ask: (model, content, more) => openai.responses.create({ model, input: [{ role: 'user', content }], store: false, ...more }),
    system: (model, instructions, content) => openai.responses.create({ model, instructions, input: content, store: false }),
    image: (text) => [{ type: 'input_text', text }, { type: 'input_image', image_url: `data:image/png;base64,${pixel}`, detail: 'auto' }],
    schema: { text: { format: { type: 'json_schema', name: 'place', strict: true, schema: city } } },
    tools: { tools: names.map((name) => ({ type: 'function', name, parameters: city, strict: true })) },
    text: (a) => a.output_text,
    whole: (a) => a.status === 'completed',
    usage: (a) => [a.usage.input_tokens, a.usage.output_tokens],
    calls: (a) => a.output.filter((i) => i.type === 'function_call').map((c) => ({ id: c.call_id, name: c.name, json: c.arguments })),
    back: (model, content, a, calls, results) =>
      openai.responses.create({
        model, store: false,
        input: [
          { role: 'user', content }, ...a.output,
          ...calls.map((c, i) => ({ type: 'function_call_output', call_id: c.id, output: results[i] })),
        ],
        ...clients.responses.tools,
      }),
    pieces: (events) => events.map((e) => (e.type === 'response.output_text.delta' ? e.delta : '')).join(''),
    streamUsage: (events) => {
      assert.equal(events.at(-1).type, 'response.completed');
      return [events.at(-1).response.usage.input_tokens, events.at(-1).response.usage.output_tokens];
    },
    streamCalls: (events) => {
      const calls = [];
      for (const e of events) {
        if (e.type === 'response.output_item.added' && e.item.type === 'function_call') calls.push({ at: e.output_index, name: e.item.name, json: '' });
        if (e.type === 'response.function_call_arguments.delta') calls.find((c) => c.at === e.output_index).json += e.delta;
      }
      const done = events.at(-1).response.output.filter((i) => i.type === 'function_call');
      assert.deepEqual(calls.map((c) => c.json), done.map((c) => c.arguments), 'the deltas make the whole');
      return calls;
    },
    errors: OpenAI,
    message: (err) => err.error?.message ?? err.message,
  },
  messages: {
    not: ['messages'],
    ask: (model, content, more) => anthropic.messages.create({ model, max_tokens: 100, messages: [{ role: 'user', content }], ...more }),
    system: (model, system, content) => anthropic.messages.create({ model, max_tokens: 100, system, messages: [{ role: 'user', content }] }),
    image: (text) => [{ type: 'text', text }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } }],
    schema: { output_config: { format: { type: 'json_schema', schema: city } } },
    tools: { tools: names.map((name) => ({ name, input_schema: city })) },
    text: (a) => a.content.map((b) => b.text ?? '').join(''),
    whole: (a) => a.stop_reason === 'end_turn',
    usage: (a) => [a.usage.input_tokens, a.usage.output_tokens],
    calls: (a) => {
      assert.equal(a.stop_reason, 'tool_use');
      return a.content.filter((b) => b.type === 'tool_use').map((b) => ({ id: b.id, name: b.name, json: JSON.stringify(b.input) }));
    },
    back: (model, content, a, calls, results) =>
      anthropic.messages.create({
        model, max_tokens: 100,
        messages: [
          { role: 'user', content }, { role: 'assistant', content: a.content },
          { role: 'user', content: calls.map((c, i) => ({ type: 'tool_result', tool_use_id: c.id, content: results[i] })) },
        ],
        ...clients.messages.tools,
      }),
    pieces: (events) => events.map((e) => e.delta?.text ?? '').join(''),
    streamUsage: (events) => {
      assert.equal(events.at(-1).type, 'message_stop');
      const last = events.findLast((e) => e.type === 'message_delta').usage;
      return [last.input_tokens ?? events[0].message.usage.input_tokens, last.output_tokens];
    },
    streamCalls: (events) => {
      const calls = [];
      for (const e of events) {
        if (e.content_block?.type === 'tool_use') calls.push({ at: e.index, name: e.content_block.name, json: '' });
        if (e.delta?.type === 'input_json_delta') calls.find((c) => c.at === e.index).json += e.delta.partial_json;
      }
      return calls;
    },
    errors: Anthropic,
    message: (err) => err.error?.error?.message ?? err.message,
  },
};

for (const [dialect, c] of Object.entries(clients)) {
  for (const [upstream, u] of Object.entries(upstreams)) {
    if (c.not.includes(upstream)) continue;
    const name = `${dialect}-on-${upstream}`;
    const model = modelOf(upstream, 'good');
    const feature = (what, f) => gatewayCell(name, what, f);
    const arrived = async (probe, n) => {
      const list = await seen(probe, n);
      for (const r of list) assert.ok(u.path ? r.path === u.path : r.path.startsWith('/v1beta/models/gemini-'), `${r.path} is not what ${upstream} means`);
      return list;
    };

    feature('text', async (probe) => {
      const got = await c.ask(model, probe);
      assert.equal(c.text(got), answer(probe));
      assert.ok(c.whole(got), JSON.stringify(got));
      assert.equal(c.usage(got)[0], 1);
      assert.ok(c.usage(got)[1] > 1);
      await arrived(probe, 1);
    });

    feature('system', async (probe) => {
      const got = await c.system(model, 'Answer in verse', probe);
      assert.equal(c.text(got), answer(probe));
      assert.equal(c.usage(got)[0], 4, 'the words of the system prompt reached the model');
    });

    feature('stream', async (probe) => {
      const { items, error } = await drain(c.ask(model, probe, { stream: true, ...c.streamed }));
      assert.ifError(error);
      assert.equal(c.pieces(items), answer(probe));
      assert.equal(c.streamUsage(items)[0], 1);
      assert.ok(c.streamUsage(items)[1] > 1);
      assert.ok(items.filter((i) => c.pieces([i])).length > 3, 'the text came in pieces');
      await arrived(probe, 1);
    });

    const check = (calls) => {
      assert.deepEqual(calls.map((call) => call.name), names);
      assert.deepEqual(calls.map((call) => JSON.parse(call.json)), toolArguments.map((a) => JSON.parse(a)));
    };
    feature('parallel-tools', async (probe) => {
      const got = await c.ask(model, probe, c.tools);
      const calls = c.calls(got);
      check(calls);
      const next = await c.back(model, probe, got, calls, ['rain in Zürich', 'sun in København']);
      assert.match(c.text(next), /^The tool said: (rain in Zürich|sun in København)/);
      assert.ok(c.whole(next));
      const [, second] = await arrived(probe, 2);
      for (const text of ['rain in Zürich', 'sun in København']) assert.ok(second.body.includes(text), `${text} did not arrive`);
      if (upstream === 'gemini') assert.ok(second.body.includes('bW9jay1zaWduYXR1cmU='), 'the signature of the thoughts did not come back');
    });

    feature('tools-stream', async (probe) => {
      const { items, error } = await drain(c.ask(model, probe, { ...c.tools, stream: true }));
      assert.ifError(error);
      const calls = c.streamCalls(items);
      check(calls);
      assert.ok(calls[1].json.includes('12345678901234567890'), 'a big number stays as it is');
    });

    feature('image', async (probe) => {
      assert.equal(c.text(await c.ask(model, c.image(probe))), answer(probe));
      const [request] = await arrived(probe, 1);
      assert.ok(request.body.replaceAll(/\\\/|": "/g, (m) => (m === '\\/' ? '/' : '":"')).includes(u.image), 'the picture did not arrive');
    });

    feature('structured', async (probe) => {
      assert.equal(c.text(await c.ask(model, probe, c.schema)), structured);
      const { items, error } = await drain(c.ask(model, probe, { ...c.schema, stream: true }));
      assert.ifError(error);
      assert.equal(c.pieces(items), structured);
      for (const request of await arrived(probe, 2)) assert.ok(request.body.includes('"city"'), 'the schema did not arrive');
    });

    // What the provider says reaches the client in the client's envelope.
    const fails = (mood, Class, status, message, header) => feature(`provider-${status}`, async (probe) => {
      for (const stream of [false, true]) {
        const err = await failure(c.ask(modelOf(upstream, mood), probe, { stream }));
        assert.ok(err instanceof c.errors[Class], `${err}`);
        assert.equal(err.status, status);
        assert.match(c.message(err), message);
        if (header) assert.equal(err.headers.get(header[0]), header[1]);
      }
      await arrived(probe, 2);
    });
    fails('err-400', 'BadRequestError', 400, /prompt is too long: 210000 tokens > 200000 maximum/);
    fails('err-429', 'RateLimitError', 429, /mock: too many requests/, ['retry-after', '7']);
    fails('err-500', 'InternalServerError', 500, /mock: the server exploded/);

    // A broken stream must end in an error after a part of the text, never quietly.
    const broken = (what, mood, message) => feature(what, async (probe) => {
      const { items, error } = await drain(c.ask(modelOf(upstream, mood), probe, { stream: true }));
      const failed = error ?? items.findLast((e) => e.type === 'response.failed');
      assert.ok(failed, 'the stream ended as if it were whole');
      assert.ok(c.pieces(items) && answer(probe).startsWith(c.pieces(items)), `text before the break: ${c.pieces(items)}`);
      if (message) assert.match(JSON.stringify(failed.response ?? failed.error ?? '') + failed.message, message);
    });
    broken('cut', 'cut');
    broken('inband-error', 'inband', /mock: overloaded in the middle/);
    broken('quiet-end', 'eof');

    // So must an answer that is not streamed.
    feature('broken-whole', async (probe) => {
      for (const mood of ['cut', 'eof']) {
        const err = await failure(c.ask(modelOf(upstream, mood), probe));
        assert.equal(err.status, 502, `${err}`);
      }
    });
  }
}
