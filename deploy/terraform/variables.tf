variable "name" {
  description = "What queues, topic and policies are called by."
  type        = string
  default     = "bodyswap"
}

variable "store_bucket" {
  description = "The bucket of the farm's store."
  type        = string
}

variable "store_prefix" {
  description = "What every key of the store begins with, its slash included; empty for none."
  type        = string
  default     = "store/"
}

variable "plates_bucket" {
  description = "The bucket that plates are put into."
  type        = string
}

variable "plates_prefix" {
  description = "Only objects whose keys begin so are told of."
  type        = string
  default     = ""
}

variable "shots_bucket" {
  description = "The bucket that shots are delivered to."
  type        = string
}

variable "kms_key_arn" {
  description = "The KMS key that objects are encrypted with; empty for S3's own."
  type        = string
  default     = ""
}

variable "stale_upload_days" {
  description = "Uploads not finished after so many days are given up."
  type        = number
  default     = 2
}

variable "evidence_days" {
  description = "Quarantined evidence and previews are kept for so many days."
  type        = number
  default     = 90
}
