package ec2

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
)

// Price is what an hour costs.
type Price struct {
	// USD per hour; 0 means that nobody knows.
	USD float64
	// Source says where that is from.
	Source string
}

func (p Price) String() string {
	if p.USD == 0 {
		return "price unknown"
	}
	return fmt.Sprintf("$%.4g/h", p.USD)
}

// Cents is the price in cents per hour, rounded up: a bill must never be a surprise.
func (p Price) Cents() int64 {
	cents := int64(p.USD * 100)
	if p.USD*100-float64(cents) > 1e-6 {
		cents++
	}
	return cents
}

// tableDate is when the built-in prices were true.
const tableDate = "July 2026"

// table has prices of Linux on demand, in US dollars per hour: us-east-1 of 20 July 2026, eu-west-1 of May 2025.
var table = map[string]struct{ us, eu float64 }{
	"i7i.xlarge": {us: 0.3775}, "i7i.2xlarge": {us: 0.755}, "i7i.4xlarge": {us: 1.5101}, "i7i.8xlarge": {us: 3.0202},
	"i4i.2xlarge": {0.686, 0.757}, "i4i.4xlarge": {1.373, 1.514},
	"i7ie.2xlarge": {1.0396, 1.15}, "i7ie.3xlarge": {1.5594, 1.725}, "i3en.2xlarge": {0.904, 1.00}, "i3en.3xlarge": {1.356, 1.50},
	"c6id.2xlarge": {0.4032, 0.4578}, "c6id.4xlarge": {0.8064, 0.9156}, "m6id.4xlarge": {0.9492, 1.0584}, "r6id.4xlarge": {1.2096, 1.344},
	"i4g.2xlarge": {0.6178, 0.6808}, "i8g.2xlarge": {us: 0.6864}, "i8ge.3xlarge": {us: 1.4238}, "im4gn.2xlarge": {0.7276, 0.8022}, "is4gen.xlarge": {0.5763, 0.6375},
}

// tablePrice is what the built-in table knows. Elsewhere than in its two regions a fifth more is assumed.
func tablePrice(region, name string) Price {
	row, ok := table[name]
	switch {
	case !ok:
		return Price{Source: "not in the built-in table of " + tableDate}
	case region == "us-east-1":
		return Price{row.us, "built-in table of " + tableDate}
	case region == "eu-west-1" && row.eu > 0:
		return Price{row.eu, "built-in table, May 2025"}
	default:
		return Price{row.us * 1.2, "us-east-1's price of " + tableDate + " and a fifth: an estimate"}
	}
}

// price asks AWS, and falls back to the built-in table: the price list needs a permission that many lack.
func (c *Cloud) price(ctx context.Context, name string) Price {
	match := func(field, value string) types.Filter {
		return types.Filter{Type: types.FilterTypeTermMatch, Field: &field, Value: &value}
	}
	out, err := c.pricing.GetProducts(ctx, &pricing.GetProductsInput{
		ServiceCode: aws.String("AmazonEC2"),
		Filters: []types.Filter{
			match("regionCode", c.Region), match("instanceType", name), match("operatingSystem", "Linux"), match("tenancy", "Shared"),
			match("preInstalledSw", "NA"), match("capacitystatus", "Used"), match("marketoption", "OnDemand"), match("productFamily", "Compute Instance"),
		},
	})
	if err == nil {
		for _, document := range out.PriceList {
			if usd := readPrice(document); usd > 0 {
				return Price{usd, "AWS price list"}
			}
		}
	}
	p := tablePrice(c.Region, name)
	if err != nil {
		p.Source += "; AWS's price list could not be read (" + orElse(code(err), "no answer") + ")"
	}
	return p
}

// readPrice finds the price in a document of the price list.
func readPrice(document string) float64 {
	var d struct {
		Terms struct {
			OnDemand map[string]struct {
				Dimensions map[string]struct {
					Price map[string]string `json:"pricePerUnit"`
				} `json:"priceDimensions"`
			}
		} `json:"terms"`
	}
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		return 0
	}
	for _, term := range d.Terms.OnDemand {
		for _, dimension := range term.Dimensions {
			if usd, err := strconv.ParseFloat(dimension.Price["USD"], 64); err == nil && usd > 0 {
				return usd
			}
		}
	}
	return 0
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
