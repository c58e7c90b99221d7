package fault

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The bodies of DeleteObjects.
// API: DeleteObjects, request and response syntax.
type (
	deleteRequest struct {
		XMLName xml.Name       `xml:"Delete"`
		Objects []deleteObject `xml:"Object"`
		Quiet   bool           `xml:"Quiet"`
	}
	deleteObject struct {
		Key  string `xml:"Key"`
		ETag string `xml:"ETag,omitempty"`
	}
	deleteResult struct {
		XMLName xml.Name      `xml:"DeleteResult"`
		Deleted []deletedKey  `xml:"Deleted"`
		Errors  []deleteError `xml:"Error"`
	}
	deletedKey struct {
		Key string `xml:"Key"`
	}
	deleteError struct {
		Key     string `xml:"Key"`
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	}
)

func parseDelete(body []byte) (d deleteRequest, err error) {
	err = xml.Unmarshal(body, &d)
	return d, err
}

func (d deleteRequest) encode() []byte { return encodeXML(d) }

// encodeXML writes one of the types above, which can't fail.
func encodeXML(v any) []byte {
	b, err := xml.Marshal(v)
	if err != nil {
		panic(err)
	}
	return append([]byte(xmlHeader), b...)
}

// editDeleted changes a successful answer to DeleteObjects.
func editDeleted(a *Answer, edit func(*deleteResult)) *Answer {
	var r deleteResult
	if a.Status != http.StatusOK || xml.Unmarshal(a.Body, &r) != nil {
		return a
	}
	edit(&r)
	r.XMLName = xml.Name{Local: "DeleteResult"}
	out := *a
	out.Body = encodeXML(r)
	return &out
}

// maxSignatureAge is how far from the server's clock S3 takes a signature.
const maxSignatureAge = 15 * time.Minute

// EnforceETags makes the proxy carry out each DeleteObjects by one conditional
// delete for each key, sent with the client, so that a server which ignores
// per-key ETags there looks like one that enforces them. The signature's age is
// checked, the signature itself is not.
func (p *Proxy) EnforceETags(client *s3.Client) {
	p.alone.Lock() // no request is under way
	defer p.alone.Unlock()
	p.forward = func(r *Request) (*Answer, error) {
		if r.Op != "DeleteObjects" {
			return p.pass(r)
		}
		if !signedNow(r) {
			return Error(http.StatusForbidden, "RequestTimeTooSkewed"), nil
		}
		var result deleteResult
		d, err := parseDelete(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		for _, o := range d.Objects {
			in := &s3.DeleteObjectInput{Bucket: &r.Bucket, Key: &o.Key}
			if o.ETag != "" {
				in.IfMatch = aws.String(o.ETag)
			}
			_, err := client.DeleteObject(context.Background(), in)
			if err == nil {
				result.Deleted = append(result.Deleted, deletedKey{o.Key})
				continue
			}
			result.Errors = append(result.Errors, deleteError{Key: o.Key, Code: codeOf(err), Message: err.Error()})
		}
		a := Error(http.StatusOK, "")
		a.Body = encodeXML(result)
		return a, nil
	}
}

// signedNow says whether S3 would take the signature's age.
func signedNow(r *Request) bool {
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	return err == nil && time.Since(at).Abs() <= maxSignatureAge
}

func codeOf(err error) string {
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) && resp.HTTPStatusCode() == http.StatusPreconditionFailed {
		return "PreconditionFailed"
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return "InternalError"
}
