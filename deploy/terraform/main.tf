# The farm's store, the bucket of plates with its notices, and what may be done with them.
# Plates go into one bucket and shots into another; the store is the farm's own.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.70"
    }
  }
}

resource "aws_s3_bucket" "store" {
  bucket = var.store_bucket
}

resource "aws_s3_bucket" "plates" {
  bucket = var.plates_bucket
}

resource "aws_s3_bucket" "shots" {
  bucket = var.shots_bucket
}

locals {
  buckets = {
    store  = aws_s3_bucket.store.id
    plates = aws_s3_bucket.plates.id
    shots  = aws_s3_bucket.shots.id
  }
}

resource "aws_s3_bucket_public_access_block" "closed" {
  for_each                = local.buckets
  bucket                  = each.value
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "encrypted" {
  for_each = local.buckets
  bucket   = each.value
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == "" ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn == "" ? null : var.kms_key_arn
    }
  }
}

# Uploads that were begun and never finished cost, and nobody sees them. Attempts that lost are
# removed by `bodyswap gc`: only commits tell which they are, which no lifecycle rule can read.
resource "aws_s3_bucket_lifecycle_configuration" "tidy" {
  for_each = local.buckets
  bucket   = each.value
  rule {
    id     = "give-up-stale-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = var.stale_upload_days
    }
  }
  dynamic "rule" {
    for_each = each.key == "store" ? ["quarantine/", "preview/", "doctor/"] : []
    content {
      id     = "expire-${trimsuffix(rule.value, "/")}"
      status = "Enabled"
      filter {
        prefix = "${var.store_prefix}${rule.value}"
      }
      expiration {
        days = var.evidence_days
      }
    }
  }
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "notices" {
  name                       = "${var.name}-notices"
  receive_wait_time_seconds  = 20
  visibility_timeout_seconds = 300
  message_retention_seconds  = 14 * 24 * 3600
  sqs_managed_sse_enabled    = true
  # What a listener dies of again and again. What is no notice it sends there itself, with a reason.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 10
  })
}

resource "aws_sqs_queue" "answers" {
  name                    = "${var.name}-answers"
  sqs_managed_sse_enabled = true
}

resource "aws_sns_topic" "answers" {
  name = "${var.name}-answers"
}

data "aws_iam_policy_document" "notices" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.notices.arn]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_s3_bucket.plates.arn]
    }
  }
}

resource "aws_sqs_queue_policy" "notices" {
  queue_url = aws_sqs_queue.notices.id
  policy    = data.aws_iam_policy_document.notices.json
}

resource "aws_s3_bucket_notification" "plates" {
  bucket = aws_s3_bucket.plates.id
  queue {
    queue_arn     = aws_sqs_queue.notices.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = var.plates_prefix
  }
  depends_on = [aws_sqs_queue_policy.notices]
}

resource "aws_iam_policy" "role" {
  for_each = toset(["submitter", "worker", "controller", "listener"])
  name     = "${var.name}-${each.key}"
  policy = templatefile("${path.module}/../iam/${each.key}.json", {
    bucket          = aws_s3_bucket.store.id
    prefix          = var.store_prefix
    plates_bucket   = aws_s3_bucket.plates.id
    shots_bucket    = aws_s3_bucket.shots.id
    queue_arn       = aws_sqs_queue.notices.arn
    dead_letter_arn = aws_sqs_queue.dead_letters.arn
    answers_arn     = aws_sqs_queue.answers.arn
    topic_arn       = aws_sns_topic.answers.arn
  })
}
