// Checks a published Writ log with the Go team's own notes, tiles and proofs: the signature on the checkpoint, the root over the
// tiles, every entry against its leaf, an inclusion proof for every record, and consistency with an earlier checkpoint.
// Nothing here knows how Writ builds its log; a disagreement is a bug on one side.
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight   = 8
	tileWidth    = 1 << tileHeight
	fileBytesMax = 64 << 20
)

func main() {
	log := flag.String("log", "", "base URL or folder of the log")
	vkey := flag.String("vkey", "", "the log's key as a C2SP verifier key")
	from := flag.String("from", "", "file with an earlier checkpoint of the same log")
	flag.Parse()
	if err := check(*log, *vkey, *from); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type report struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
	// Records whose entry, leaf and inclusion proof agree.
	Records int64 `json:"records"`
	// Size of the earlier checkpoint that this log continues, or 0.
	ConsistentFrom int64 `json:"consistentFrom"`
}

func check(log, vkey, from string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("the key: %w", err)
	}
	signed, err := read(log, "checkpoint")
	if err != nil {
		return err
	}
	now, err := open(signed, verifier)
	if err != nil {
		return err
	}
	tiles := tlog.TileHashReader(tlog.Tree{N: now.size, Hash: now.root}, &reader{log})
	root, err := tlog.TreeHash(now.size, tiles)
	if err != nil {
		return fmt.Errorf("the tiles: %w", err)
	}
	if root != now.root {
		return errors.New("the tiles have another root than the checkpoint")
	}
	done := report{Origin: now.origin, Size: now.size, Root: now.root.String()}
	if done.Records, err = checkRecords(log, now, tiles); err != nil {
		return err
	}
	if from != "" {
		if done.ConsistentFrom, err = checkConsistency(from, verifier, now, tiles); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(done)
}

type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

// C2SP tlog-checkpoint: origin, size, root, one a line.
func open(signed []byte, verifier note.Verifier) (checkpoint, error) {
	var none checkpoint
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return none, fmt.Errorf("the checkpoint: %w", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return none, errors.New("the checkpoint is not of the log whose key signed it")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return none, fmt.Errorf("the checkpoint has `%s` for its size", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return none, fmt.Errorf("the checkpoint has `%s` for its root", lines[2])
	}
	return checkpoint{lines[0], size, hashOf(root)}, nil
}

func hashOf(bytes []byte) (hash tlog.Hash) {
	copy(hash[:], bytes)
	return hash
}

func checkRecords(log string, now checkpoint, tiles tlog.HashReader) (int64, error) {
	for first := int64(0); first < now.size; first += tileWidth {
		width := tileWidth
		if now.size-first < tileWidth {
			width = int(now.size - first)
		}
		bundle, err := read(log, entriesPath(first/tileWidth, width))
		if err != nil {
			return 0, err
		}
		for i := 0; i < width; i++ {
			var entry []byte
			if entry, bundle, err = nextEntry(bundle); err != nil {
				return 0, fmt.Errorf("entry %d: %w", first+int64(i), err)
			}
			if err := checkRecord(first+int64(i), entry, now, tiles); err != nil {
				return 0, err
			}
		}
		if len(bundle) != 0 {
			return 0, fmt.Errorf("%d bytes follow the entries of the bundle at %d", len(bundle), first)
		}
	}
	return now.size, nil
}

func checkRecord(index int64, entry []byte, now checkpoint, tiles tlog.HashReader) error {
	proof, err := tlog.ProveRecord(now.size, index, tiles)
	if err != nil {
		return fmt.Errorf("record %d: %w", index, err)
	}
	if err := tlog.CheckRecord(proof, now.size, now.root, index, tlog.RecordHash(entry)); err != nil {
		return fmt.Errorf("record %d: %w", index, err)
	}
	return nil
}

// C2SP tlog-tiles: each entry behind its length in two bytes.
func nextEntry(bundle []byte) (entry, rest []byte, err error) {
	if len(bundle) < 2 {
		return nil, nil, errors.New("the bundle ends before it")
	}
	length := int(bundle[0])<<8 | int(bundle[1])
	if len(bundle) < 2+length {
		return nil, nil, errors.New("the bundle ends inside it")
	}
	return bundle[2 : 2+length], bundle[2+length:], nil
}

func checkConsistency(file string, verifier note.Verifier, now checkpoint, tiles tlog.HashReader) (int64, error) {
	signed, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	before, err := open(signed, verifier)
	if err != nil {
		return 0, err
	}
	proof, err := tlog.ProveTree(now.size, before.size, tiles)
	if err != nil {
		return 0, fmt.Errorf("consistency: %w", err)
	}
	if err := tlog.CheckTree(proof, now.size, now.root, before.size, before.root); err != nil {
		return 0, fmt.Errorf("consistency: %w", err)
	}
	return before.size, nil
}

type reader struct{ log string }

func (r *reader) Height() int { return tileHeight }

func (r *reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, tile := range tiles {
		// The checksum database names the height in the path, tlog-tiles does not.
		path := "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
		bytes, err := read(r.log, path)
		if err != nil {
			return nil, err
		}
		all[i] = bytes
	}
	return all, nil
}

func (r *reader) SaveTiles([]tlog.Tile, [][]byte) {}

func entriesPath(index int64, width int) string {
	data := tlog.Tile{H: tileHeight, L: -1, N: index, W: width}
	return "tile/entries/" + strings.TrimPrefix(data.Path(), fmt.Sprintf("tile/%d/data/", tileHeight))
}

func read(log, path string) ([]byte, error) {
	if !strings.HasPrefix(log, "http://") && !strings.HasPrefix(log, "https://") {
		return os.ReadFile(filepath.Join(log, path))
	}
	answer, err := http.Get(log + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, fileBytesMax))
}
