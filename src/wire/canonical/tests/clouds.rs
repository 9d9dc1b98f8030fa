//! Cloud resources and containers.

use super::*;

/// "Amazon Resource Names" in the AWS General Reference.
#[test]
fn aws_arns() {
    let kind = EntityKind::CloudResource;
    check_entity(
        kind,
        &[
            ("arn:aws:s3:::Bucket", "cloud_resource arn:aws:s3:::Bucket"),
            ("arn:aws:s3:::Bucket/Key", "cloud_resource arn:aws:s3:::Bucket/Key"),
            (" arn:aws:s3:::Bucket ", "cloud_resource arn:aws:s3:::Bucket"),
            ("ARN:aws:s3:::Bucket", "cloud_resource arn:aws:s3:::Bucket"),
            ("arn:aws:iam::123456789012:user/Bob", "cloud_resource arn:aws:iam::123456789012:user/Bob"),
            ("arn:aws:iam::123456789012:root", "cloud_resource arn:aws:iam::123456789012:root"),
            (
                "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/F:",
                "cloud_resource arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/F",
            ),
            (
                "arn:aws-cn:ec2:cn-north-1:123456789012:instance/i-0abc",
                "cloud_resource arn:aws-cn:ec2:cn-north-1:123456789012:instance/i-0abc",
            ),
            ("i-0abcdef1234567890", "cloud_resource i-0abcdef1234567890"),
        ],
    );
    refuse_entity(kind, &["arn:", "arn:aws", "arn:aws:s3", "arn:aws:s3:::", "-", "none"]);
}

/// Azure resource ids, which compare without case; Google's full resource names and self links.
#[test]
fn azure_and_google_names() {
    let vm = "cloud_resource /subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourcegroups/rg/vm";
    let google = "cloud_resource //compute.googleapis.com/projects/p-1/zones/us-east1-b/instances/Web-1";
    check_entity(
        EntityKind::CloudResource,
        &[
            ("/subscriptions/0B1F6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/RG/vm", vm),
            ("/SUBSCRIPTIONS/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/RG/vm/", vm),
            ("subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/RG/vm", vm),
            (
                "https://management.azure.com/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/RG/vm",
                vm,
            ),
            ("/providers/Microsoft.Management/x", "cloud_resource /providers/microsoft.management/x"),
            ("subscriptions/mine", "cloud_resource subscriptions/mine"),
            ("//compute.googleapis.com/projects/p-1/zones/us-east1-b/instances/Web-1", google),
            ("https://www.googleapis.com/compute/v1/projects/p-1/zones/us-east1-b/instances/Web-1", google),
            ("https://compute.googleapis.com/compute/v1/projects/p-1/zones/us-east1-b/instances/Web-1", google),
            (
                "https://iam.googleapis.com/v1/projects/p-1/serviceAccounts/a@p-1.iam.gserviceaccount.com",
                "cloud_resource //iam.googleapis.com/projects/p-1/serviceAccounts/a@p-1.iam.gserviceaccount.com",
            ),
            ("https://storage.example/projects/x", "cloud_resource https://storage.example/projects/x"),
        ],
    );
    refuse_entity(EntityKind::CloudResource, &["", "null", "N/A"]);
}

/// OCI image digests and runtime ids, by Docker, containerd, CRI-O and systemd; pods by Kubernetes.
#[test]
fn oci_containers() {
    let short = "container 9f86d081884c";
    check_entity(
        EntityKind::Container,
        &[
            (SHA256, short),
            (&SHA256.to_uppercase(), short),
            ("9f86d081884c", short),
            (&format!("docker://{SHA256}"), short),
            (&format!("containerd://{SHA256}"), short),
            (&format!("cri-o://{SHA256}"), short),
            (&format!("docker-{SHA256}.scope"), short),
            (&format!("cri-containerd-{SHA256}.scope"), short),
            (&format!("sha256:{SHA256}"), short),
            ("Nginx:1.25", "container nginx:1.25"),
            ("registry.example/team/app:v1", "container registry.example/team/app:v1"),
            ("kube-system/coredns-5d78c9869d-abcde", "container kube-system/coredns-5d78c9869d-abcde"),
            ("9f86d081884", "container 9f86d081884"),
        ],
    );
    refuse_entity(EntityKind::Container, &["-", "", "host", "000000000000", "docker://", "null"]);
}
