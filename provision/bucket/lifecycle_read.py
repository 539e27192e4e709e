"""`python -m provision.bucket.lifecycle_read`: the lifecycle rules of a bucket, as JSON.

It runs on the machine that deploys, with libraries of its own (`requirements-lifecycle.lock`), because
obstore has no call for this. The question comes over the standard input, because it holds the key pair.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html
"""

from __future__ import annotations

import json
import sys
from typing import Any

import botocore.session  # type: ignore[import-not-found]
from botocore.config import Config  # type: ignore[import-not-found]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-not-found]

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=15,
    retries={"total_max_attempts": 2},
    s3={"addressing_style": "path"},
)
_NONE = "NoSuchLifecycleConfiguration"


def main() -> int:
    """Answer one question. What hinders that is `error` in the answer."""
    asked = json.load(sys.stdin)
    client = botocore.session.get_session().create_client(
        "s3",
        region_name=asked["region"],
        endpoint_url=asked["endpoint"],
        aws_access_key_id=asked["id"],
        aws_secret_access_key=asked["secret"],
        config=_CONFIG,
    )
    answer: dict[str, Any]
    try:
        rules = client.get_bucket_lifecycle_configuration(Bucket=asked["bucket"])["Rules"]
        answer = {"rules": rules}
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        answer = {"rules": []} if code == _NONE else {"error": f"the store said {code or 'no more'}"}
    except BotoCoreError as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer, default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main())
