package sim_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"changeover/ec2/sim"
)

func TestASimulatedEC2ListensOnLoopbackOnly(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", "192.0.2.1:0", ":0", "example.com:80"} {
		if server, err := sim.Start(sim.Options{Listen: listen}); err == nil {
			_ = server.Close(t.Context())
			t.Errorf("listens on %s", listen)
		}
	}
}

func TestMetadataWantsItsToken(t *testing.T) {
	server := start(t, sim.Options{})
	if status, _ := get(t, server.URL()+"/latest/meta-data/instance-id", ""); status != http.StatusNotFound {
		t.Errorf("without an instance: %d", status)
	}
	launch(t, server, "MetadataOptions.HttpTokens=required")
	if status, _ := get(t, server.URL()+"/latest/meta-data/instance-id", ""); status != http.StatusUnauthorized {
		t.Errorf("version 1: %d", status)
	}
	request, _ := http.NewRequest(http.MethodPut, server.URL()+"/latest/api/token", nil)
	request.Header.Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	token, _ := io.ReadAll(reply.Body)
	_ = reply.Body.Close()
	if status, id := get(t, server.URL()+"/latest/meta-data/instance-id", string(token)); status != http.StatusOK || id != server.Instances()[0].ID {
		t.Errorf("version 2: %d, %s", status, id)
	}
	if status, _ := get(t, server.URL()+"/latest/meta-data/tags/instance/Name", string(token)); status != http.StatusNotFound {
		t.Errorf("tags that were not allowed: %d", status)
	}
}

func TestUnsignedRequestsAreRefused(t *testing.T) {
	server := start(t, sim.Options{})
	reply, err := http.Post(server.URL(), "application/x-www-form-urlencoded", strings.NewReader("Action=DescribeInstances"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(reply.Body)
	_ = reply.Body.Close()
	if reply.StatusCode != http.StatusUnauthorized || !strings.Contains(string(body), "AuthFailure") {
		t.Errorf("%d: %s", reply.StatusCode, body)
	}
}

func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if token != "" {
		request.Header.Set("X-Aws-Ec2-Metadata-Token", token)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(reply.Body)
	return reply.StatusCode, string(body)
}

func launch(t *testing.T, server *sim.Server, more string) {
	t.Helper()
	form := "Action=RunInstances&ImageId=ami-0debian13amd64&InstanceType=t3.micro&MinCount=1&MaxCount=1&" + more
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL(), strings.NewReader(form))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0")
	reply, err := http.DefaultClient.Do(request)
	if err != nil || reply.StatusCode != http.StatusOK {
		t.Fatal(reply, err)
	}
	_ = reply.Body.Close()
}
