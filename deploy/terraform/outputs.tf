output "store_url" {
  description = "What BODYSWAP_STORE is set to."
  value       = trimsuffix("s3://${aws_s3_bucket.store.id}/${var.store_prefix}", "/")
}

output "notices_url" {
  description = "The `queue` of the listener's rules."
  value       = aws_sqs_queue.notices.url
}

output "dead_letters_url" {
  description = "Its `dead_letter`."
  value       = aws_sqs_queue.dead_letters.url
}

output "answers_url" {
  description = "Its `answers`."
  value       = aws_sqs_queue.answers.url
}

output "answers_topic" {
  description = "Its `answers_topic`."
  value       = aws_sns_topic.answers.arn
}
