package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// The mock model server: fixed answers, nothing computed, so that what is
// measured is what stands before it.

var jsonAnswer = []byte(`{"id":"chatcmpl-bench","object":"chat.completion","created":1750000000,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":"` +
	string(bytes.Repeat([]byte("All work and no play. "), 20)) + `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":240,"completion_tokens":110,"total_tokens":350}}`)

// chunk is one event of a stream; seq makes loss and reordering visible.
func chunk(seq int) []byte {
	return fmt.Appendf(nil, "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word %d \"},\"finish_reason\":null}]}\n\n", seq)
}

const streamEnd = "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"

const usageEvent = "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[],\"usage\":{\"prompt_tokens\":240,\"completion_tokens\":110,\"total_tokens\":350}}\n\n"

const done = "data: [DONE]\n\n"

// upstream serves until the process ends. The shape of its streams is the
// process's, not the request's: a gateway strips headers it does not know.
func upstream(listen string, chunks int, gap time.Duration, words bool) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	var all [][]byte
	if words {
		all = append(all, []byte(roleEvent))
	}
	for i := range chunks {
		if words {
			all = append(all, prose(i))
		} else {
			all = append(all, chunk(i))
		}
	}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		head := body[:min(len(body), 256)]
		if !bytes.Contains(head, []byte(`"stream":true`)) {
			w.Header()["Content-Type"] = []string{"application/json"}
			w.Header()["Content-Length"] = []string{strconv.Itoa(len(jsonAnswer))}
			w.Write(jsonAnswer)
			return
		}
		w.Header()["Content-Type"] = []string{"text/event-stream"}
		f := w.(http.Flusher)
		for i, c := range all {
			w.Write(c)
			if gap > 0 {
				f.Flush()
				time.Sleep(gap)
			} else if i%8 == 7 {
				f.Flush()
			}
		}
		io.WriteString(w, streamEnd)
		if bytes.Contains(head, []byte(`"include_usage":true`)) {
			io.WriteString(w, usageEvent)
		}
		io.WriteString(w, done)
	}))
}
