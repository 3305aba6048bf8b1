package localpg

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ourConf holds our settings. postgresql.conf, as initdb wrote it, includes it last.
const ourConf = "changeover.conf"

// defaultSettings suit a rehearsal: several servers on one small machine, durable, with replication.
func defaultSettings() map[string]string {
	return map[string]string{
		"shared_buffers":               "64MB",
		"maintenance_work_mem":         "64MB",
		"max_connections":              "100",
		"max_prepared_transactions":    "10",
		"wal_level":                    "replica",
		"hot_standby":                  "on",
		"max_wal_senders":              "10",
		"max_replication_slots":        "10",
		"max_wal_size":                 "1GB",
		"autovacuum":                   "on",
		"password_encryption":          "scram-sha-256",
		"timezone":                     "UTC",
		"log_timezone":                 "UTC",
		"log_line_prefix":              "%m [%p] %q%u@%d ",
		"lc_messages":                  "C",
		"wal_receiver_status_interval": "1s",
		"wal_retrieve_retry_interval":  "500ms",
		// /dev/shm, the default, is tiny in many containers, and a killed server leaves its
		// files there. These go with the data directory.
		"dynamic_shared_memory_type": "mmap",
	}
}

// settingsFor merges settings; later ones win.
func settingsFor(layers ...map[string]string) map[string]string {
	all := defaultSettings()
	for _, layer := range layers {
		maps.Copy(all, layer)
	}
	return all
}

// layer returns the settings that the root's options give to every cluster.
func (o Options) layer() map[string]string {
	settings := map[string]string{}
	if o.NoFsync {
		settings["fsync"] = "off"
	}
	maps.Copy(settings, o.Settings)
	return settings
}

// includeOurs makes postgresql.conf read our settings after its own.
func (r *Root) includeOurs(data string) error {
	f, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "\ninclude '%s'\n", ourConf)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// writeSettings writes the settings for the next start, with the addresses and the port.
func (c *Cluster) writeSettings(addresses []string, port int) error {
	c.mu.Lock()
	settings := maps.Clone(c.settings)
	c.mu.Unlock()
	settings["listen_addresses"] = strings.Join(addresses, ",")
	settings["port"] = fmt.Sprint(port)
	settings["unix_socket_directories"] = c.SocketDir()
	settings["logging_collector"] = "off"
	settings["log_destination"] = "stderr"
	if err := c.root.giveFile(filepath.Join(c.DataDir(), ourConf), renderSettings(settings)); err != nil {
		return fmt.Errorf("write settings of cluster %s: %w", c.name, err)
	}
	return nil
}

// renderSettings writes settings in the form of postgresql.conf.
func renderSettings(settings map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = %s\n", name, quoteSetting(settings[name]))
	}
	return b.String()
}

// quoteSetting writes a value for postgresql.conf, where a quote is doubled and a
// backslash escapes.
func quoteSetting(v string) string {
	return "'" + strings.NewReplacer(`'`, `''`, `\`, `\\`, "\n", `\n`).Replace(v) + "'"
}
