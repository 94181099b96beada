// Package netfilter lets programs in a container use the iptables backend that their node uses.
package netfilter

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	directory = "/usr/sbin"
	// kubelet leaves this chain in the backend it works with, for programs like these to find.
	hint = "KUBE-IPTABLES-HINT"
)

// Select links iptables and its relatives to the backend that the node's own rules are in.
func Select() error {
	for _, backend := range []string{"nft", "legacy"} {
		rules, err := exec.Command(program(backend), "iptables-save", "-t", "mangle").Output()
		if err == nil && bytes.Contains(rules, []byte(hint)) {
			return link(backend)
		}
	}
	if exec.Command(program("nft"), "iptables", "-t", "nat", "-S").Run() == nil {
		return link("nft")
	}
	return link("legacy")
}

// Restore feeds rules in the format of iptables-save; chains that they don't declare stay as they are.
func Restore(rules string) error {
	command := exec.Command("iptables-restore", "--noflush", "--wait", "5")
	command.Stdin = strings.NewReader(rules)
	return run(command)
}

// EnsureRule appends a rule unless the chain already has it.
func EnsureRule(table, chain string, rule ...string) error {
	arguments := func(verb string) []string {
		return append([]string{"--wait", "5", "-t", table, verb, chain}, rule...)
	}
	if exec.Command("iptables", arguments("-C")...).Run() == nil {
		return nil
	}
	return run(exec.Command("iptables", arguments("-A")...))
}

func program(backend string) string {
	return filepath.Join(directory, "xtables-"+backend+"-multi")
}

func link(backend string) error {
	for _, family := range []string{"iptables", "ip6tables"} {
		for _, verb := range []string{"", "-save", "-restore"} {
			name := filepath.Join(directory, family+verb)
			if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
				return err
			}
			if err := os.Symlink(program(backend), name); err != nil {
				return err
			}
		}
	}
	return nil
}

func run(command *exec.Cmd) error {
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err, bytes.TrimSpace(output))
	}
	return nil
}
