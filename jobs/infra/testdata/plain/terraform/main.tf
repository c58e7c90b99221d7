# The pipeline app-logs on AWS Batch: roles with the least permissions, a
# compute environment of Spot instances, a queue, a job definition for each
# step, a state machine that runs one step behind the other, and its schedule,
# which is off until schedule_state is ENABLED. Written by s3compact
# infra: write it anew when the pipeline names other places, or its section batch
# other numbers.
#
# Apply, and later change:
#   terraform init
#   terraform apply -var 'subnets=["SUBNET", "SUBNET"]' -var 'security_groups=["GROUP"]'
# Run once:
#   aws stepfunctions start-execution --state-machine-arn "$(terraform output -raw state_machine)"
# Remove; what lies in S3 stays:
#   terraform destroy

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

variable "subnets" {
  type        = list(string)
  description = "Subnets of the jobs, with a way to S3, the image's registry and the endpoints of ECS and CloudWatch Logs"
}

variable "security_groups" {
  type        = list(string)
  description = "Security groups of the jobs; HTTPS to the outside is all they need"
}

variable "image" {
  type        = string
  default     = "registry.example/s3compact:1.0"
  description = "Container image whose entry point is s3compact"
}

variable "schedule" {
  type        = string
  default     = "cron(0 6 * * ? *)"
  description = "When the pipeline runs, as EventBridge Scheduler writes it; after the inventory report has come"
}

variable "schedule_timezone" {
  type    = string
  default = "UTC"
}

variable "schedule_state" {
  type        = string
  default     = "DISABLED"
  description = "ENABLED when a first run did what was wanted"
}

variable "max_vcpus" {
  type        = number
  default     = 200
  description = "vCPUs at most at once; none are kept when nothing runs"
}

variable "log_retention_days" {
  type    = number
  default = 30
}

variable "instance_types" {
  type        = list(string)
  default     = ["optimal"]
  description = "Instance types or families; more of them make Spot losses rarer"
}

variable "disk_gib" {
  type        = number
  default     = 80
  description = "Disk of an instance, 30 or more, which all jobs on it share"
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
}

# What the program may do: the policy that s3compact doctor prints, and what the
# other steps need. It names the pipeline's buckets and no others.
resource "aws_iam_role" "job" {
  name_prefix        = "app-logs-"
  assume_role_policy = local.assumed_by["ecs-tasks"]
}

resource "aws_iam_role_policy" "job" {
  name = "pipeline"
  role = aws_iam_role.job.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Buckets"
        Effect = "Allow"
        Action = [
          "s3:ListBucket",
        ]
        Resource = [
          "arn:aws:s3:::logs",
        ]
      },
      {
        Sid    = "Objects"
        Effect = "Allow"
        Action = [
          "s3:GetObject",
          "s3:PutObject",
        ]
        Resource = [
          "arn:aws:s3:::logs/*",
        ]
      },
    ]
  })
}

# Each role is for one service, on behalf of this account.
locals {
  assumed_by = { for service in ["ecs-tasks", "states", "scheduler"] : service => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "${service}.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  }) }
}

# What ECS may do for the container: fetch the image, write the log.
resource "aws_iam_role" "execution" {
  name_prefix        = "app-logs-"
  assume_role_policy = local.assumed_by["ecs-tasks"]
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_cloudwatch_log_group" "jobs" {
  name              = "/s3compact/app-logs"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "instance" {
  name_prefix = "app-logs-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.${data.aws_partition.current.dns_suffix}" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "instance" {
  role       = aws_iam_role.instance.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
}

resource "aws_iam_instance_profile" "instance" {
  name_prefix = "app-logs-"
  role        = aws_iam_role.instance.name
}

# A job has 120 s instead of ECS's 30 s from SIGTERM to SIGKILL. Batch takes user
# data in MIME parts only.
# Sources: Amazon ECS Developer Guide, "Container agent configuration"; AWS Batch
# User Guide, "Use Amazon EC2 launch templates with AWS Batch".
resource "aws_launch_template" "instance" {
  name_prefix = "app-logs-"

  block_device_mappings {
    device_name = "/dev/xvda" # the root of Amazon Linux
    ebs {
      volume_size           = var.disk_gib
      volume_type           = "gp3"
      encrypted             = "true"
      delete_on_termination = "true"
    }
  }

  metadata_options {
    http_tokens = "required"
  }

  user_data = base64encode(<<-MIME
    MIME-Version: 1.0
    Content-Type: multipart/mixed; boundary="=="

    --==
    Content-Type: text/x-shellscript; charset="us-ascii"

    #!/bin/sh
    echo ECS_CONTAINER_STOP_TIMEOUT=120s >> /etc/ecs/ecs.config

    --==--
  MIME
  )
}

# Without a service role Batch uses its service-linked one.
resource "aws_batch_compute_environment" "spot" {
  name_prefix = "app-logs-"
  type        = "MANAGED"

  compute_resources {
    type                = "SPOT"
    allocation_strategy = "SPOT_PRICE_CAPACITY_OPTIMIZED"
    min_vcpus           = 0
    max_vcpus           = var.max_vcpus
    instance_type       = var.instance_types
    instance_role       = aws_iam_instance_profile.instance.arn
    subnets             = var.subnets
    security_group_ids  = var.security_groups

    launch_template {
      launch_template_id = aws_launch_template.instance.id
      version            = aws_launch_template.instance.latest_version
    }
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_iam_role_policy_attachment.instance]
}

resource "aws_batch_job_queue" "jobs" {
  name     = "app-logs"
  state    = "ENABLED"
  priority = 1

  compute_environment_order {
    order               = 1
    compute_environment = aws_batch_compute_environment.spot.arn
  }
}

# container_properties and not ecs_properties: Step Functions hands its jobs a
# variable, MANAGED_BY_AWS, by the overrides of the former.

resource "aws_batch_job_definition" "hotspots" {
  name                  = "app-logs-hotspots"
  type                  = "container"
  platform_capabilities = ["EC2"]

  # The first rule that fits counts; the exit codes are those of s3compact.
  # Source: AWS Batch User Guide, "Automated job retries".
  retry_strategy {
    attempts = 5
    evaluate_on_exit {
      action           = "RETRY"
      on_status_reason = "Host EC2*"
    }
    evaluate_on_exit {
      action       = "RETRY"
      on_exit_code = "75"
    }
    evaluate_on_exit {
      action       = "RETRY"
      on_exit_code = "1"
    }
    evaluate_on_exit {
      action    = "RETRY"
      on_reason = "CannotPullContainerError:*"
    }
    evaluate_on_exit {
      action    = "EXIT"
      on_reason = "*"
    }
  }

  container_properties = jsonencode({
    image                  = var.image
    command                = ["run", "--only", "hotspots", "--refusals-ok", "--yes", "s3://logs/_pipelines/app-logs.yaml"]
    jobRoleArn             = aws_iam_role.job.arn
    executionRoleArn       = aws_iam_role.execution.arn
    readonlyRootFilesystem = true
    resourceRequirements = [
      { type = "VCPU", value = "2" },
      { type = "MEMORY", value = "4096" },
    ]
    environment = [
      { name = "TMPDIR", value = "/scratch" },
      { name = "AWS_REGION", value = local.region },
    ]
    volumes     = [{ name = "scratch", host = {} }] # on the disk, and gone with the container
    mountPoints = [{ sourceVolume = "scratch", containerPath = "/scratch" }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.jobs.name
        awslogs-stream-prefix = "hotspots"
      }
    }
  })
}

resource "aws_batch_job_definition" "compact" {
  name                  = "app-logs-compact"
  type                  = "container"
  platform_capabilities = ["EC2"]

  # The first rule that fits counts; the exit codes are those of s3compact.
  # Source: AWS Batch User Guide, "Automated job retries".
  retry_strategy {
    attempts = 5
    evaluate_on_exit {
      action           = "RETRY"
      on_status_reason = "Host EC2*"
    }
    evaluate_on_exit {
      action       = "RETRY"
      on_exit_code = "75"
    }
    evaluate_on_exit {
      action       = "RETRY"
      on_exit_code = "1"
    }
    evaluate_on_exit {
      action    = "RETRY"
      on_reason = "CannotPullContainerError:*"
    }
    evaluate_on_exit {
      action    = "EXIT"
      on_reason = "*"
    }
  }

  container_properties = jsonencode({
    image                  = var.image
    command                = ["run", "--only", "compact", "--refusals-ok", "--yes", "s3://logs/_pipelines/app-logs.yaml"]
    jobRoleArn             = aws_iam_role.job.arn
    executionRoleArn       = aws_iam_role.execution.arn
    readonlyRootFilesystem = true
    resourceRequirements = [
      { type = "VCPU", value = "2" },
      { type = "MEMORY", value = "4096" },
    ]
    environment = [
      { name = "TMPDIR", value = "/scratch" },
      { name = "AWS_REGION", value = local.region },
    ]
    volumes     = [{ name = "scratch", host = {} }] # on the disk, and gone with the container
    mountPoints = [{ sourceVolume = "scratch", containerPath = "/scratch" }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.jobs.name
        awslogs-stream-prefix = "compact"
      }
    }
  })
}

resource "aws_batch_job_definition" "convert" {
  name                  = "app-logs-convert"
  type                  = "container"
  platform_capabilities = ["EC2"]

  # The first rule that fits counts; the exit codes are those of s3compact.
  # Source: AWS Batch User Guide, "Automated job retries".
  retry_strategy {
    attempts = 5
    evaluate_on_exit {
      action           = "RETRY"
      on_status_reason = "Host EC2*"
    }
    evaluate_on_exit {
      action       = "RETRY"
      on_exit_code = "75"
    }
    evaluate_on_exit {
      action       = "RETRY"
      on_exit_code = "1"
    }
    evaluate_on_exit {
      action    = "RETRY"
      on_reason = "CannotPullContainerError:*"
    }
    evaluate_on_exit {
      action    = "EXIT"
      on_reason = "*"
    }
  }

  container_properties = jsonencode({
    image                  = var.image
    command                = ["run", "--only", "convert", "--refusals-ok", "--yes", "s3://logs/_pipelines/app-logs.yaml"]
    jobRoleArn             = aws_iam_role.job.arn
    executionRoleArn       = aws_iam_role.execution.arn
    readonlyRootFilesystem = true
    resourceRequirements = [
      { type = "VCPU", value = "2" },
      { type = "MEMORY", value = "4096" },
    ]
    environment = [
      { name = "TMPDIR", value = "/scratch" },
      { name = "AWS_REGION", value = local.region },
    ]
    volumes     = [{ name = "scratch", host = {} }] # on the disk, and gone with the container
    mountPoints = [{ sourceVolume = "scratch", containerPath = "/scratch" }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.jobs.name
        awslogs-stream-prefix = "convert"
      }
    }
  })
}

# Source: AWS Step Functions Developer Guide, "Run AWS Batch workloads with Step
# Functions", with the rule that .sync needs to hear of a job's end.
resource "aws_iam_role" "state_machine" {
  name_prefix        = "app-logs-"
  assume_role_policy = local.assumed_by["states"]
}

resource "aws_iam_role_policy" "state_machine" {
  name = "batch"
  role = aws_iam_role.state_machine.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "batch:SubmitJob"
        Resource = [
          aws_batch_job_queue.jobs.arn,
          aws_batch_job_definition.hotspots.arn,
          aws_batch_job_definition.compact.arn,
          aws_batch_job_definition.convert.arn,
        ]
      },
      {
        Effect   = "Allow"
        Action   = ["batch:DescribeJobs", "batch:TerminateJob"]
        Resource = "*"
      },
      {
        Effect   = "Allow"
        Action   = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
        Resource = "arn:${local.partition}:events:${local.region}:${local.account}:rule/StepFunctionsGetEventsForBatchJobsRule"
      },
    ]
  })
}

resource "aws_sfn_state_machine" "pipeline" {
  name     = "app-logs"
  role_arn = aws_iam_role.state_machine.arn
  definition = jsonencode({
    Comment = "The s3compact pipeline app-logs"
    StartAt = "hotspots"
    States = {
      hotspots = {
        Type     = "Task"
        Resource = "arn:aws:states:::batch:submitJob.sync"
        Parameters = {
          JobName       = "app-logs-hotspots"
          JobQueue      = aws_batch_job_queue.jobs.arn
          JobDefinition = aws_batch_job_definition.hotspots.arn
        }
        ResultSelector = { "JobId.$" = "$.JobId" } # the rest may be too long for a state
        Next           = "compact"
      }
      compact = {
        Type     = "Task"
        Resource = "arn:aws:states:::batch:submitJob.sync"
        Parameters = {
          JobName       = "app-logs-compact"
          JobQueue      = aws_batch_job_queue.jobs.arn
          JobDefinition = aws_batch_job_definition.compact.arn

          ArrayProperties = { Size = 100 }
        }
        ResultSelector = { "JobId.$" = "$.JobId" } # the rest may be too long for a state
        Next           = "convert"
      }
      convert = {
        Type     = "Task"
        Resource = "arn:aws:states:::batch:submitJob.sync"
        Parameters = {
          JobName       = "app-logs-convert"
          JobQueue      = aws_batch_job_queue.jobs.arn
          JobDefinition = aws_batch_job_definition.convert.arn

          ArrayProperties = { Size = 100 }
        }
        ResultSelector = { "JobId.$" = "$.JobId" } # the rest may be too long for a state
        End            = true
      }
    }
  })

  depends_on = [aws_iam_role_policy.state_machine]
}

resource "aws_iam_role" "schedule" {
  name_prefix        = "app-logs-"
  assume_role_policy = local.assumed_by["scheduler"]
}

resource "aws_iam_role_policy" "schedule" {
  name = "start"
  role = aws_iam_role.schedule.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "states:StartExecution", Resource = aws_sfn_state_machine.pipeline.arn }]
  })
}

# A run that begins before the last one has ended does no harm, but reads what
# the other reads.
resource "aws_scheduler_schedule" "pipeline" {
  name                         = "app-logs"
  schedule_expression          = var.schedule
  schedule_expression_timezone = var.schedule_timezone
  state                        = var.schedule_state

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.pipeline.arn
    role_arn = aws_iam_role.schedule.arn
  }
}

output "state_machine" {
  value       = aws_sfn_state_machine.pipeline.arn
  description = "Start it to run the pipeline once"
}

output "queue" {
  value       = aws_batch_job_queue.jobs.arn
  description = "For jobs that are submitted by hand"
}

output "job_role" {
  value       = aws_iam_role.job.arn
  description = "The role of the jobs; a bucket's or key's policy may have to let it in"
}
