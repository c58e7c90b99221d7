package s3store

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// What a caller may branch on. Every error of this package names the
// operation and the object and wraps one of these where it fits.
var (
	ErrNotFound     = errors.New("not found")                                    // 404: no such object, upload or bucket
	ErrNoBucket     = errors.New("no such bucket")                               // 404 NoSuchBucket; is an ErrNotFound too
	ErrPrecondition = errors.New("condition not met")                            // 412: If-Match or If-None-Match
	ErrConflict     = errors.New("conflicting request")                          // 409
	ErrDenied       = errors.New("access denied")                                // 403
	ErrExpired      = errors.New("signed too long ago by the server's clock")    // 403 RequestTimeTooSkewed
	ErrUnsupported  = errors.New("not supported by this endpoint")               // 501, 405
	ErrArchived     = errors.New("archived, so its bytes can't be read at once") // 403 InvalidObjectState
	ErrBadRequest   = errors.New("refused as malformed or mismatching")          // 400
	// ErrCredentials: the credentials have ended or are wrong, which says nothing of
	// the object; is an ErrDenied too.
	ErrCredentials = fmt.Errorf("%w: the credentials are not accepted", ErrDenied)
	ErrRedirect    = errors.New("the bucket is in another region") // 301
)

// opError is an error of one request.
type opError struct {
	op, bucket, key string
	kind            error // one of the sentinels, or nil
	err             error
}

func (e *opError) Error() string {
	where := "s3://" + e.bucket
	if e.key != "" {
		where += "/" + e.key
	}
	hint := ""
	switch {
	case errors.Is(e.kind, ErrRedirect):
		hint = " (set --region to the bucket's region)"
	case errors.Is(e.kind, ErrNoBucket):
		hint = " (check the bucket's name, --region and --endpoint-url)"
	case strings.Contains(e.err.Error(), "get credentials"):
		return fmt.Sprintf("%s %s: no AWS credentials were found: set AWS_PROFILE or --profile, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached (%v)", e.op, where, e.err)
	case errors.Is(e.kind, ErrDenied):
		hint = " (check the credentials and the policies of user and bucket)"
	}
	return fmt.Sprintf("%s %s: %v%s", e.op, where, describe(e.err), hint)
}

func (e *opError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.err}
	}
	return []error{e.kind, e.err}
}

// Is makes a missing bucket a thing not found as well.
func (e *opError) Is(target error) bool {
	return target == ErrNotFound && e.kind == ErrNoBucket
}

// describe says what the server said, without the SDK's wrapping of request ids and attempts.
func describe(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		var resp *smithyhttp.ResponseError
		if errors.As(err, &resp) {
			return fmt.Sprintf("%d %s: %s", resp.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage())
		}
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

func wrap(op, bucket, key string, err error) error {
	if err == nil {
		return nil
	}
	return &opError{op: op, bucket: bucket, key: key, kind: kindOf(err), err: err}
}

func kindOf(err error) error {
	var code string
	var api smithy.APIError
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	if k := kindOfCode(code); k != nil {
		return k
	}
	var resp *smithyhttp.ResponseError
	if !errors.As(err, &resp) {
		return nil
	}
	switch resp.HTTPStatusCode() {
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusPreconditionFailed:
		return ErrPrecondition
	case http.StatusConflict:
		return ErrConflict
	case http.StatusForbidden:
		return ErrDenied
	case http.StatusBadRequest:
		return ErrBadRequest
	case http.StatusNotImplemented, http.StatusMethodNotAllowed:
		return ErrUnsupported
	case http.StatusMovedPermanently:
		return ErrRedirect
	}
	return nil
}

// kindOfCode knows the codes that stand without their status, as in the per-key
// errors of DeleteObjects and in errors inside an answer 200.
func kindOfCode(code string) error {
	switch code {
	case "NoSuchBucket":
		return ErrNoBucket
	case "NoSuchKey", "NoSuchUpload", "NotFound", "NoSuchVersion":
		return ErrNotFound
	case "PreconditionFailed":
		return ErrPrecondition
	case "ConditionalRequestConflict", "OperationAborted":
		return ErrConflict
	case "RequestTimeTooSkewed", "RequestExpired":
		return ErrExpired
	case "InvalidObjectState":
		return ErrArchived
	case "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return ErrCredentials
	case "AccessDenied", "AllAccessDisabled":
		return ErrDenied
	case "PermanentRedirect", "AuthorizationHeaderMalformed":
		return ErrRedirect
	case "NotImplemented", "MethodNotAllowed":
		return ErrUnsupported
	case "BadDigest", "InvalidPart", "InvalidPartOrder", "InvalidRequest", "EntityTooSmall", "XAmzContentChecksumMismatch":
		return ErrBadRequest
	}
	return nil
}
