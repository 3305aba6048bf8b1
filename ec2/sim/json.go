package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// handleJSON serves the services that speak JSON: Systems Manager, Price List, Service Quotas.
func (s *Server) handleJSON(w http.ResponseWriter, r *http.Request, call Call) {
	var in map[string]any
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		writeJSONError(w, bad("SerializationException", "%v", err))
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, call)
	err := s.faults.take(call.Action)
	s.mu.Unlock()
	var reply any
	if err == nil {
		switch call.Action {
		case "GetParameter":
			reply, err = getParameter(in)
		case "GetProducts":
			reply, err = getProducts(in)
		case "GetServiceQuota":
			reply, err = s.getQuota(in)
		default:
			err = bad("UnknownOperationException", "%s", call.Action)
		}
	} else if err.code == "UnauthorizedOperation" {
		err = bad("AccessDeniedException", "User: arn:aws:iam::%s:user/ana is not authorized to perform: %s:%s", account, call.Service, call.Action)
	}
	s.options.Log("%s %s %s: %v", call.Region, call.Service, call.Action, describe(err))
	if err != nil {
		writeJSONError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(reply)
}

func writeJSONError(w http.ResponseWriter, err *apiError) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(err.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": err.code, "message": err.message})
}

func getParameter(in map[string]any) (any, *apiError) {
	name, _ := in["Name"].(string)
	i := slices.IndexFunc(images, func(i image) bool { return i.parameter == name })
	if i < 0 {
		return nil, bad("ParameterNotFound", "%s", name)
	}
	return map[string]any{"Parameter": map[string]any{
		"Name": name, "Type": "String", "Value": images[i].id, "Version": 1, "DataType": "aws:ec2:image",
	}}, nil
}

// getProducts answers for one type in one region: a list of JSON documents as strings, as the real one does.
func getProducts(in map[string]any) (any, *apiError) {
	want := map[string]string{}
	list, _ := in["Filters"].([]any)
	for _, f := range list {
		if m, ok := f.(map[string]any); ok {
			want[strings.ToLower(fmt.Sprint(m["Field"]))] = fmt.Sprint(m["Value"])
		}
	}
	prices := []string{}
	t, ok := findShape(want["instancetype"])
	if ok && in["ServiceCode"] == "AmazonEC2" && want["operatingsystem"] == "Linux" && want["tenancy"] == "Shared" {
		price := fmt.Sprintf("%.10f", t.price(want["regioncode"]))
		document, err := json.Marshal(map[string]any{
			"product": map[string]any{"productFamily": "Compute Instance", "attributes": map[string]string{"instanceType": t.name, "regionCode": want["regioncode"]}},
			"terms": map[string]any{"OnDemand": map[string]any{"SKU.JRTCKXETXF": map[string]any{"priceDimensions": map[string]any{"SKU.JRTCKXETXF.6YS6EN2CT7": map[string]any{
				"unit": "Hrs", "pricePerUnit": map[string]string{"USD": price},
			}}}}},
		})
		if err != nil {
			return nil, bad("InternalErrorException", "%v", err)
		}
		prices = append(prices, string(document))
	}
	return map[string]any{"FormatVersion": "aws_v1", "PriceList": prices}, nil
}

func (s *Server) getQuota(in map[string]any) (any, *apiError) {
	if in["ServiceCode"] != "ec2" || in["QuotaCode"] != "L-1216C47A" {
		return nil, bad("NoSuchResourceException", "The request failed because the specified quota does not exist.")
	}
	return map[string]any{"Quota": map[string]any{
		"ServiceCode": "ec2", "QuotaCode": "L-1216C47A", "QuotaName": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
		"Value": s.options.Quota, "Unit": "None", "Adjustable": true,
	}}, nil
}
