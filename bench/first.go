package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// What rules about answers add to the time until a client reads something, and between
// one word and the next: a paced stream through stock reverse_proxy, through the governed
// chain without llm_policy, and through the same chain with rules in both directions.

// tokens are what a model says, cut as tokenizers cut prose: the blank belongs to the
// word behind it. Nothing in it is a match.
var tokens = strings.SplitAfter(strings.ReplaceAll(strings.Repeat("The gateway reads each event, and what cannot become a match any more goes on at once. ", 4), " ", "| "), "|")

// prose is one event of such a stream.
func prose(i int) []byte {
	content, _ := json.Marshal(strings.TrimSuffix(tokens[i%len(tokens)], "|"))
	return fmt.Appendf(nil, "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},\"finish_reason\":null}]}\n\n", content)
}

const roleEvent = "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"

// heard is what one side's streams were like for the client.
type heard struct {
	event, text, gap []time.Duration
	said             string
}

// firstToken plays n streams through each side in turn.
func firstToken(ctx context.Context, bin, tmp string, n int) error {
	gap := *chunkGap
	if gap == 0 {
		gap = 20 * time.Millisecond
	}
	events := min(*chunkCount, 40)
	up, upAddr, err := startUpstream(ctx, -1, events, gap, "-prose")
	if err != nil {
		return err
	}
	defer up.stop()
	without, err := withoutPolicy(tmp)
	if err != nil {
		return err
	}
	names := []string{"stock reverse_proxy", "governed, no llm_policy", "governed, rules both ways"}
	var addrs [3]string
	var sides [3]heard
	for i, config := range []string{filepath.Join(*configs, "stock.Caddyfile"), without, filepath.Join(*configs, "answers.Caddyfile")} {
		data := filepath.Join(tmp, fmt.Sprint("first-", i))
		if err := os.MkdirAll(data, 0o700); err != nil {
			return err
		}
		p, addr, err := startCaddy(ctx, -1, bin, config, upAddr, data)
		if err != nil {
			return err
		}
		defer p.stop()
		addrs[i] = addr
	}
	for i := range n + 2 {
		for k := range sides {
			s := &sides[k]
			if i == 2 { // the first two warm up
				*s = heard{}
			}
			if err := s.listen(addrs[k]); err != nil {
				return fmt.Errorf("%s: %w", names[k], err)
			}
		}
	}
	for k := range sides {
		if sides[k].said != sides[0].said {
			return fmt.Errorf("%s: the text is %q, want %q", names[k], sides[k].said, sides[0].said)
		}
	}
	fmt.Printf("%d streams of %d events, %v apart, one at a time; load %s\n\n", n, events, gap, loadAverage())
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ms\tFIRST EVENT p50\tp99\tFIRST TEXT p50\tp99\tGAP p50\tp99")
	for k := range sides {
		s := &sides[k]
		fmt.Fprintf(w, "%s", names[k])
		for _, list := range [][]time.Duration{s.event, s.text, s.gap} {
			slices.Sort(list)
			fmt.Fprintf(w, "\t%.2f\t%.2f", ms(quantile(list, .5)), ms(quantile(list, .99)))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	event := quantile(sides[2].event, .5) - quantile(sides[1].event, .5)
	text := quantile(sides[2].text, .5) - quantile(sides[1].text, .5)
	fmt.Printf("\nllm_policy adds %.2f ms to the first event (bar: 5 ms) and %.2f ms to the first text: of that, %.2f ms is the wait for the next event,\nsince the first word could still become an address or a key, and %.2f ms is work\n",
		ms(event), ms(text), ms(quantile(sides[1].gap, .5)), ms(text-quantile(sides[1].gap, .5)))
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func loadAverage() string {
	b, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// withoutPolicy writes the config of the rules without them.
func withoutPolicy(tmp string) (string, error) {
	b, err := os.ReadFile(filepath.Join(*configs, "answers.Caddyfile"))
	if err != nil {
		return "", err
	}
	before, rest, ok := strings.Cut(string(b), "\tllm_policy {")
	_, after, ok2 := strings.Cut(rest, "\n\t}\n")
	if !ok || !ok2 {
		return "", fmt.Errorf("answers.Caddyfile has no llm_policy block")
	}
	name := filepath.Join(tmp, "no-policy.Caddyfile")
	return name, os.WriteFile(name, []byte(strings.Replace(before, " policy", "", 1)+after), 0o600)
}

// listen reads one stream as a client does.
func (s *heard) listen(addr string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	start := time.Now()
	if _, err := c.Write(request(addr, benchKey, 1000, true)); err != nil {
		return err
	}
	r := bufio.NewReader(c)
	status, length, chunked, err := readHead(r)
	if err != nil {
		return err
	}
	if status != 200 || !chunked {
		b := make([]byte, max(0, length))
		io.ReadFull(r, b)
		return fmt.Errorf("status %d: %s", status, b)
	}
	lines := bufio.NewScanner(&chunkedReader{r: r})
	var said strings.Builder
	var last time.Time
	seen := false
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok || string(data) == "[DONE]" {
			continue
		}
		now := time.Now()
		if !seen {
			seen = true
			s.event = append(s.event, now.Sub(start))
		}
		var e struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		if len(e.Choices) == 0 || e.Choices[0].Delta.Content == "" {
			continue
		}
		if said.Len() == 0 {
			s.text = append(s.text, now.Sub(start))
		} else {
			s.gap = append(s.gap, now.Sub(last))
		}
		last = now
		said.WriteString(e.Choices[0].Delta.Content)
	}
	s.said = said.String()
	return lines.Err()
}
